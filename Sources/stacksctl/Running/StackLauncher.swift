import StacksAPI
import StacksController
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The launcher of one stack of a run. It measures the time from a job's scheduling to its launch, and starts commands with
/// another launcher, which can be replaced.
final class StackLauncher: JobLauncher {
    private struct State {
        var base: any JobLauncher
        var latencies = LatencyHistogram()
    }

    private let observation: RunObservation?
    private let state: Mutex<State>

    /// - Parameter observation: Is told of each launch too.
    init(_ base: any JobLauncher, observation: RunObservation? = nil) {
        self.observation = observation
        state = Mutex(State(base: base))
    }

    /// What launches from now on.
    var base: any JobLauncher {
        get { state.withLock { $0.base } }
        set { state.withLock { $0.base = newValue } }
    }

    /// From the scheduled time, by the server's clock, to the launch, by this machine's clock.
    var dispatchLatencies: LatencyHistogram { state.withLock { $0.latencies } }

    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        if let scheduledAt = job.scheduled.scheduledAt {
            let latency = Duration.seconds(Date.now.timeIntervalSince(scheduledAt))
            state.withLock { $0.latencies.record(latency) }
            observation?.dispatched(stack: job.stack, after: latency)
        }
        return try await base.launch(job)
    }

    nonisolated(nonsending) func recover() async throws -> [JobID] {
        try await base.recover()
    }

    nonisolated(nonsending) func follow(_ job: JobID) async throws -> JobExit? {
        try await base.follow(job)
    }
}
