import Logging
import StacksAPI
import StacksController
import StacksTesting
import Testing

@Suite("The tests of the documentation", .timeLimit(.minutes(5)))
struct DocumentedTests {
    @Test("a stack that dies gives its jobs back")
    func reservationsExpire() async throws {
        let clock = ManualClock()
        let simulator = StacksSimulator(clock: clock)
        let job = simulator.addJobs(1)[0]
        let client = try StacksClient(token: simulator.token, transport: simulator.transport(clock: clock))

        try await client.registerStack(key: "mac-fleet")
        let reservation = try await client.reserveJobs([JobID(job)], stack: "mac-fleet", expiry: .seconds(300))
        #expect(reservation.reserved == [JobID(job)])
        #expect(simulator.job(job)?.state == .reserved)

        clock.advance(by: .seconds(300))
        #expect(simulator.job(job)?.state == .scheduled)
    }

    @Test("a finish whose response is lost is confirmed, and not retried")
    func lostResponse() async throws {
        let clock = ManualClock()
        let simulator = StacksSimulator(clock: clock)
        let job = JobID(simulator.addJobs(1)[0])
        var configuration = StacksClient.Configuration()
        configuration.clock = clock
        let client = try StacksClient(
            token: simulator.token, transport: simulator.transport(), configuration: configuration)
        try await client.registerStack(key: "mac-fleet")
        _ = try await client.reserveJobs([job], stack: "mac-fleet")

        simulator.addFault(SimulatorFault(.dropResponse, for: .finishJob))
        async let finish = client.finishJob(job, stack: "mac-fleet", exitStatus: 1, detail: "no capacity")
        // The client waits before it requests the job's state.
        await clock.waitForSleepers()
        clock.advance(by: .seconds(5))

        #expect(try await finish.wasConfirmedByState)
        #expect(simulator.job(job.description)?.finishAttempts == 1)
    }
}

/// Runs jobs with simulated agents.
struct SimulatedFleet: JobLauncher {
    var simulator: StacksSimulator

    func launch(_ job: LaunchedJob) async throws -> JobExit {
        let agent = SimulatedAgent(
            simulator: simulator, job: job.id.description, token: job.acquisitionToken.value)
        do {
            try agent.acquire()
        } catch let refusal as SimulatedAgent.Refused {
            return JobExit(status: refusal.exitStatus)
        }
        try agent.start()
        try agent.finish(exitStatus: 0)
        return .success
    }
}

@Test("every job is launched once, and none is lost")
func everyJobOnce() async throws {
    let simulator = StacksSimulator()
    simulator.addJobs(25)
    let client = try StacksClient(token: simulator.token, transport: simulator.transport())
    var configuration = StackController.Configuration(stackKey: "mac-fleet", queue: .default)
    configuration.mode = .untilIdle
    let controller = try StackController(
        client: client, configuration: configuration, launcher: SimulatedFleet(simulator: simulator),
        logger: Logger(label: "mac-fleet") { _ in SwiftLogNoOpLogHandler() })

    try await controller.run()

    #expect(simulator.report.finished == 25)
    #expect(simulator.report.launchedTwice == 0)
    #expect(simulator.report.lost == 0)
}

/// Starts agents that never come.
struct LostFleet: JobLauncher {
    func launch(_ job: LaunchedJob) async throws -> JobExit {
        try await Task.sleep(for: .seconds(86_400))
        return .success
    }
}

@Test("a job whose agent has not come after ten minutes is given back")
func noAgent() async throws {
    let clock = ManualClock()
    let simulator = StacksSimulator(clock: clock)
    let job = simulator.addJobs(1)[0]
    var settings = StacksClient.Configuration()
    settings.clock = clock
    // Time that leaps must not end a call.
    settings.requestTimeout = .seconds(3600)
    let client = try StacksClient(
        token: simulator.token, transport: simulator.transport(clock: clock), configuration: settings)
    var configuration = StackController.Configuration(stackKey: "mac-fleet")
    configuration.pollTimeout = .seconds(3600)
    configuration.startTimeout = .seconds(600)
    let controller = try StackController(
        client: client, configuration: configuration, launcher: LostFleet(),
        logger: Logger(label: "mac-fleet") { _ in SwiftLogNoOpLogHandler() }, clock: clock)

    try await clock.advancing {
        async let run: Void = controller.run()
        while controller.status.totals.released == 0 { try await Task.sleep(for: .milliseconds(1)) }
        controller.drain()
        try await run
    }

    #expect(clock.now.offset >= .seconds(600))
    // To give a job back is to reserve it for one more second.
    clock.advance(by: .seconds(1))
    #expect(simulator.job(job)?.state == .scheduled)
}
