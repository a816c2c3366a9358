import Logging
import StacksAPI
import StacksController
import StacksTesting
import Testing

/// Runs jobs with scripted agents.
struct ScriptedFleet: JobLauncher {
    var simulator: StacksSimulator
    var script: ScriptedAgent.Script
    var clock: any Clock<Duration>

    func launch(_ job: LaunchedJob) async throws -> JobExit {
        let agent = ScriptedAgent(
            simulator: simulator, job: job.id.description, token: job.acquisitionToken.value, clock: clock)
        let run = try await agent.run(script)
        return JobExit(status: run.exitStatus)
    }
}

@Suite("The tests of the article on agents", .timeLimit(.minutes(5)))
struct AgentArticleTests {
    @Test("a job that fails has its command's log and exit status")
    func failingJob() async throws {
        let clock = ManualClock()
        let simulator = StacksSimulator(clock: clock)
        let job = JobID(simulator.addJobs(1)[0])
        let client = try StacksClient(token: simulator.token, transport: simulator.transport())
        try await client.registerStack(key: "mac-fleet")
        _ = try await client.reserveJobs([job], stack: "mac-fleet")
        let tokens = try await client.issueJobAcquisitionTokens(for: [job], stack: "mac-fleet")

        let agent = ScriptedAgent(
            simulator: simulator, job: job.description, token: tokens.issued[0].token.value, clock: clock)
        let script = ScriptedAgent.Script(log: "2 tests failed\n", duration: .seconds(600), exitStatus: 1)
        let run = try await clock.advancing { try await agent.run(script) }

        #expect(run.exitStatus == 0)
        #expect(simulator.job(job.description)?.exitStatus == 1)
        #expect(simulator.job(job.description)?.log == "2 tests failed\n")
    }

    @Test("a stack runs its jobs with scripted agents")
    func fleet() async throws {
        let simulator = StacksSimulator()
        simulator.addJobs(5)
        let client = try StacksClient(token: simulator.token, transport: simulator.transport())
        var configuration = StackController.Configuration(stackKey: "mac-fleet", queue: .default)
        configuration.mode = .untilIdle
        let fleet = ScriptedFleet(
            simulator: simulator, script: .init(log: "hello\n", exitStatus: 3), clock: ContinuousClock())
        let controller = try StackController(
            client: client, configuration: configuration, launcher: fleet,
            logger: Logger(label: "mac-fleet") { _ in SwiftLogNoOpLogHandler() })
        try await controller.run()
        #expect(simulator.report.launchedTwice == 0)
        #expect(simulator.jobs(in: .finished).map(\.log) == Array(repeating: "hello\n", count: 5))
    }

    @Test("jobs run as they were made to, and the simulator plays their agents")
    func played() async throws {
        let clock = ManualClock()
        var configuration = StacksSimulator.Configuration()
        configuration.agents.playing = .launched
        let simulator = StacksSimulator(configuration: configuration, clock: clock)
        var slow = SimulatedJob.Template()
        slow.script = .init(duration: .seconds(600), exitStatus: 1, startsAfter: .seconds(45))
        var lost = SimulatedJob.Template()
        lost.script = .init(duration: .seconds(30), ending: .isLost)
        let jobs = simulator.addJobs([slow, lost])

        let client = try StacksClient(token: simulator.token, transport: simulator.transport())
        try await client.registerStack(key: "mac-fleet")
        _ = try await client.reserveJobs(jobs.map { JobID($0) }, stack: "mac-fleet")
        _ = try await client.issueJobAcquisitionTokens(for: jobs.map { JobID($0) }, stack: "mac-fleet")
        clock.advance(by: .seconds(645))

        #expect(simulator.jobs(in: .finished).map(\.exitStatus) == [1, -1])
    }
}
