import StacksAPI
import StacksController
import StacksTesting
import Synchronization

/// Starts an agent for each job that takes it, runs it and finishes it at once.
final class InstantAgents: JobLauncher {
    private let simulator: StacksSimulator
    private let count = Atomic(0)

    init(simulator: StacksSimulator) { self.simulator = simulator }

    /// How many agents were started.
    var launches: Int { count.load(ordering: .relaxed) }

    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        count.wrappingAdd(1, ordering: .relaxed)
        let agent = SimulatedAgent(simulator: simulator, job: job.id.description, token: job.acquisitionToken.value)
        do {
            try agent.acquire()
            try agent.start()
            try agent.finish(exitStatus: 0)
            return .success
        } catch let refusal as SimulatedAgent.Refused {
            return JobExit(status: refusal.exitStatus)
        }
    }
}
