import CoreMetrics
import HTTPTypes
import Logging
import StacksAPI
import StacksController
import StacksTesting
import StacksTransport
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A clock on which everything takes a fiftieth of the time, for the simulator and the controller alike.
///
/// A machine that stands still for a moment stands still for long on it: nothing that is short on it may decide a test.
struct HurriedClock: Clock, SimulatorClock {
    typealias Duration = Swift.Duration

    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.offset < rhs.offset }
    }

    private static let factor = 50
    private let start = ContinuousClock.now

    var now: Instant { Instant(offset: start.duration(to: .now) * Self.factor) }
    var minimumResolution: Duration { .microseconds(50) }
    var date: Date {
        let offset = now.offset.components
        return Date(timeIntervalSince1970: 1_800_000_000 + Double(offset.seconds) + Double(offset.attoseconds) * 1e-18)
    }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await ContinuousClock().sleep(until: start.advanced(by: deadline.offset / Self.factor), tolerance: nil)
    }
}

/// A simulator, a controller that talks to it, and what its launcher has seen.
struct SimulatedStack {
    let clock: HurriedClock
    let simulator: StacksSimulator
    let transport: InMemoryTransport
    let agents: SimulatedAgents
    let controller: StackController

    init(
        capacity: Int = 100,
        mode: StackController.Configuration.Mode = .untilIdle,
        token: String? = nil,
        sharing other: SimulatedStack? = nil,
        slots: SlotPool? = nil,
        metrics: any MetricsFactory = NOOPMetricsHandler.instance,
        logger given: Logger? = nil,
        behavior: SimulatedAgents.Behavior = .init { try await $0.work() },
        prepare: (StacksSimulator) -> Void = { _ in },
        configure: (inout StackController.Configuration) -> Void = { _ in }
    ) throws {
        clock = other?.clock ?? HurriedClock()
        simulator = other?.simulator ?? StacksSimulator(clock: clock)
        prepare(simulator)
        transport = simulator.transport(clock: clock)
        var settings = StacksClient.Configuration()
        settings.clock = clock
        // None of these calls is ended by time.
        settings.requestTimeout = .seconds(1_000_000)
        let client = try StacksClient(token: token ?? simulator.token, transport: transport, configuration: settings)
        agents = SimulatedAgents(simulator: simulator, behavior: behavior)
        var configuration = StackController.Configuration(stackKey: "stack", queue: "default")
        configuration.maximumInFlight = capacity
        configuration.mode = mode
        configuration.statusInterval = nil
        configuration.settleTimeout = .seconds(100_000)
        // As long as may be.
        configuration.reservationExpiry = .seconds(3600)
        configuration.tokenLifetime = .seconds(3600)
        configure(&configuration)
        var logger = given ?? Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .trace
        controller = try StackController(
            client: client,
            configuration: configuration,
            launcher: agents,
            logger: logger,
            slots: slots,
            metrics: metrics,
            clock: clock
        )
    }

    /// Waits until `condition` holds. The test's time limit ends it when it never does.
    func until(_ condition: (StacksSimulator) -> Bool) async throws {
        try await wait { condition(simulator) }
    }
}

/// Launches agents that live in the simulator, and counts how many do at a time.
final class SimulatedAgents: JobLauncher {
    /// What an agent does.
    struct Behavior: Sendable {
        let run: @Sendable (SimulatedAgent) async throws -> JobExit
        init(_ run: @escaping @Sendable (SimulatedAgent) async throws -> JobExit) { self.run = run }
    }

    struct Counts {
        var current = 0
        var most = 0
        var launches: [JobID: Int] = [:]
        var cancelled: [JobID] = []
        var recoveries = 0
    }

    private let simulator: StacksSimulator
    private let behavior: Behavior
    private let state = Mutex(Counts())

    var counts: Counts { state.withLock { $0 } }

    init(simulator: StacksSimulator, behavior: Behavior) {
        self.simulator = simulator
        self.behavior = behavior
    }

    func recover() async throws -> [JobID] {
        state.withLock { $0.recoveries += 1 }
        return []
    }

    func launch(_ job: LaunchedJob) async throws -> JobExit {
        state.withLock { state in
            state.current += 1
            state.most = max(state.most, state.current)
            state.launches[job.id, default: 0] += 1
        }
        defer {
            state.withLock { state in
                state.current -= 1
                if Task.isCancelled { state.cancelled.append(job.id) }
            }
        }
        return try await behavior.run(SimulatedAgent(simulator: simulator, job: job))
    }
}

/// One agent: it speaks to the simulator with the job's acquisition token and nothing else.
struct SimulatedAgent: Sendable {
    let simulator: StacksSimulator
    let job: LaunchedJob

    /// Acquires, starts and finishes the job.
    func work() async throws -> JobExit {
        if let exit = try start() { return exit }
        await Task.yield()
        return try finish()
    }

    /// Acquires and starts the job, or says with which exit an agent ends that cannot.
    func start() throws -> JobExit? {
        switch try send("acquire") {
        case 200...299: break
        case 423: return .locked
        default: return .notAcquired
        }
        return try send("start") < 300 ? nil : JobExit(status: 1)
    }

    func finish() throws -> JobExit {
        try send("finish", body: #"{"exit_status": 0}"#) < 300 ? .success : JobExit(status: 1)
    }

    /// Does nothing until the task is cancelled.
    func hang() async throws {
        let (never, continuation) = AsyncStream.makeStream(of: Void.self)
        for await _ in never {}
        continuation.finish()
        try Task.checkCancellation()
    }

    private func send(_ step: String, body: String? = nil) throws -> Int {
        let request = TransportRequest(
            method: .put,
            origin: "http://127.0.0.1",
            path: "/v3/jobs/\(job.id)/\(step)",
            headerFields: [.authorization: "Token \(job.acquisitionToken.value)"],
            body: body.map { Array($0.utf8) }
        )
        return try simulator.respond(to: request).status.code
    }
}
