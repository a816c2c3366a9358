import Logging
import StacksAPI
import StacksController
import StacksTesting
import Testing

// The stack of the documentation, word for word from here to the end mark, with machines that are simulated.

/// Gives each job a machine of its own.
struct MachineLauncher: JobLauncher {
    var pool: MachinePool

    func launch(_ job: LaunchedJob) async throws -> JobExit {
        let machine = try await pool.boot()
        let status = try await machine.run(
            "buildkite-agent start",
            environment: [
                "BUILDKITE_AGENT_TOKEN": job.acquisitionToken.value,
                "BUILDKITE_AGENT_ACQUIRE_JOB": job.id.description,
            ]
        )
        return JobExit(status: status)
    }
}

func serve(_ pool: MachinePool, client: StacksClient, logger: Logger) async throws {
    var configuration = StackController.Configuration(stackKey: "mac-fleet", queue: "mac")
    configuration.tags = ["os": "macos"]
    configuration.maximumInFlight = 20
    let controller = try StackController(
        client: client,
        configuration: configuration,
        launcher: MachineLauncher(pool: pool),
        logger: logger
    )
    try await controller.run()
}

// The end mark.

struct MachinePool: Sendable {
    var simulator: StacksSimulator

    func boot() async throws -> Machine { Machine(simulator: simulator) }
}

struct Machine: Sendable {
    var simulator: StacksSimulator

    func run(_ command: String, environment: [String: String]) async throws -> Int {
        let job = LaunchedJob(
            scheduled: ScheduledJob(id: JobID(environment["BUILDKITE_AGENT_ACQUIRE_JOB"] ?? "")),
            acquisitionToken: Secret(environment["BUILDKITE_AGENT_TOKEN"] ?? "")
        )
        return try await SimulatedAgent(simulator: simulator, job: job).work().status
    }
}

@Suite("The documentation's stack", .timeLimit(.minutes(5)))
struct DocumentedStackTests {
    @Test("runs jobs")
    func runs() async throws {
        let simulator = StacksSimulator()
        var template = SimulatedJob.Template()
        template.agentQueryRules = ["os=macos"]
        simulator.addJobs(3, queue: "mac", template: template)
        let client = try StacksClient(token: simulator.token, transport: simulator.transport())
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let run = Task { try await serve(MachinePool(simulator: simulator), client: client, logger: logger) }
        try await wait { simulator.report.finished == 3 }
        run.cancel()
        await #expect(throws: CancellationError.self) { try await run.value }
    }
}
