import Foundation
import HTTPTypes
import Logging
import StacksAPI
import StacksController
import StacksCurl
import StacksTesting
import StacksTransport
import Synchronization
import TestServers
import Testing

@Suite("A controller and its transport's executor", .timeLimit(.minutes(5)))
struct TransportExecutorTests {
    @Test(
        "every call runs there unless the configuration says otherwise, and nothing of a user's",
        arguments: [true, false])
    func places(usesExecutor: Bool) async throws {
        let simulator = StacksSimulator()
        simulator.addJobs(20, queue: "default")
        let executor = MarkedExecutor()
        let places = Places(executor)
        let transport = MarkedTransport(base: simulator.transport(), places: places)
        let token = simulator.token
        let provider = TokenProvider {
            places.note("token provider")
            return Secret(token)
        }
        let launcher = PlainAgents(
            simulator: simulator, work: { places.note("launcher") }, recovers: { places.note("launcher") })
        var configuration = StackController.Configuration(stackKey: "stack", queue: "default")
        configuration.mode = .untilIdle
        configuration.pollInterval = .milliseconds(20)
        configuration.usesTransportExecutor = usesExecutor
        var logger = Logger(label: "test") { _ in NotingLog { places.note("log") } }
        logger.logLevel = .trace
        let controller = try StackController(
            client: StacksClient(tokenProvider: provider, transport: transport), configuration: configuration,
            launcher: launcher, logger: logger)
        try await controller.run()
        #expect(simulator.report.finished == 20)
        #expect(simulator.report.requests[.createNotifications] ?? 0 > 0)
        let requests = simulator.report.requests.filter { !$0.key.rawValue.hasPrefix("agent-") }
        let sum = requests.values.reduce(0, +)
        #expect(places.counts["call"] == .init(onExecutor: usesExecutor ? sum : 0, elsewhere: usesExecutor ? 0 : sum))
        // 20 launches and one recovery.
        #expect(places.counts["launcher"] == .init(onExecutor: 0, elsewhere: 21))
        #expect(places.counts["token provider"] == .init(onExecutor: 0, elsewhere: 1))
        #expect(places.counts["log"]?.onExecutor == 0)
    }

    @Test("a transport without an executor has none, and the curl transport its I/O thread")
    func offers() async throws {
        #expect(StacksSimulator().transport().preferredExecutor == nil)
        try await withCurlTransport { transport in
            #expect(transport.preferredExecutor === transport.executor)
        }
    }

    @Test("more launchers than there are processors that block their threads delay no poll")
    func blockedLaunchers() async throws {
        let count = 2 * ProcessInfo.processInfo.activeProcessorCount + 2
        let served = try ServedSimulator()
        defer { served.server.stop() }
        served.simulator.addJobs(count, queue: "default")
        let gate = Gate()
        try await withCurlTransport { transport in
            let controller = try served.controller(over: transport, capacity: count) { gate.block() }
            async let run: Void = controller.run()
            try await wait { gate.blocked == count }
            let polls = served.polls
            try await wait { served.polls >= polls + 5 }
            #expect(gate.blocked == count)
            gate.open()
            try await wait { served.simulator.report.finished == count }
            controller.drain()
            try await run
        }
        #expect(served.simulator.report.launchedTwice == 0)
        #expect(served.simulator.report.lost == 0)
    }

    @Test(
        "a controller goes on when its transport is shut down, between calls or within one, and drains",
        arguments: [false, true])
    func shutdown(hangs: Bool) async throws {
        let served = try ServedSimulator()
        defer { served.server.stop() }
        let transport = try CurlTransport()
        let controller = try served.controller(over: transport)
        async let run: Void = controller.run()
        try await wait { controller.status.sinceLastPoll != nil }
        if hangs { try await served.fallSilent() }
        await transport.shutdown()
        try await wait { controller.status.idleReason == .unreachable }
        #expect(controller.liveness().isGood)
        controller.drain()
        try await run
        #expect(controller.status.phase == .ended)
    }

    @Test("a cancelled run ends although a call on the executor hangs")
    func cancellation() async throws {
        let served = try ServedSimulator()
        defer { served.server.stop() }
        try await withCurlTransport { transport in
            let controller = try served.controller(over: transport)
            let run = Task { try await controller.run() }
            try await wait { controller.status.sinceLastPoll != nil }
            try await served.fallSilent()
            run.cancel()
            await #expect(throws: CancellationError.self) { try await run.value }
        }
    }
}

/// Runs its jobs one after the other, and knows whether the calling thread is running one.
private final class MarkedExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "marked")
    private let running = Mutex<ObjectIdentifier?>(nil)

    var isCurrent: Bool { running.withLock { $0 == ObjectIdentifier(Thread.current) } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { [self] in
            running.withLock { $0 = ObjectIdentifier(Thread.current) }
            job.runSynchronously(on: asUnownedTaskExecutor())
            running.withLock { $0 = nil }
        }
    }
}

/// Counts where things happen.
private final class Places: Sendable {
    struct Count: Equatable {
        var onExecutor = 0
        var elsewhere = 0
    }

    let executor: MarkedExecutor
    private let state = Mutex<[String: Count]>([:])

    init(_ executor: MarkedExecutor) { self.executor = executor }

    var counts: [String: Count] { state.withLock { $0 } }

    func note(_ name: String) {
        let place: WritableKeyPath<Count, Int> = executor.isCurrent ? \.onExecutor : \.elsewhere
        state.withLock { $0[name, default: Count()][keyPath: place] += 1 }
    }
}

private struct MarkedTransport: HTTPTransport {
    let base: any HTTPTransport
    let places: Places

    var preferredExecutor: (any TaskExecutor)? { places.executor }

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        places.note("call")
        return try await base.send(request)
    }
}

private struct NotingLog: LogHandler {
    let note: @Sendable () -> Void
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    init(_ note: @escaping @Sendable () -> Void) { self.note = note }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { note() }
}

/// Starts agents that take their job, do something and finish it.
private struct PlainAgents: JobLauncher {
    let simulator: StacksSimulator
    let work: @Sendable () -> Void
    var recovers: @Sendable () -> Void = {}

    func launch(_ job: LaunchedJob) async throws -> JobExit {
        let agent = SimulatedAgent(simulator: simulator, job: job)
        if let exit = try agent.start() { return exit }
        work()
        return try agent.finish()
    }

    func recover() async throws -> [JobID] {
        recovers()
        return []
    }
}

/// Blocks threads until it is opened.
private final class Gate: Sendable {
    private let condition = NSCondition()
    private let state = Mutex((isOpen: false, blocked: 0))

    var blocked: Int { state.withLock { $0.blocked } }

    func block() {
        condition.lock()
        defer { condition.unlock() }
        state.withLock { $0.blocked += 1 }
        while state.withLock({ !$0.isOpen }) { condition.wait() }
    }

    func open() {
        condition.lock()
        state.withLock { $0.isOpen = true }
        condition.broadcast()
        condition.unlock()
    }
}

/// A simulator behind a real HTTP server.
private final class ServedSimulator: Sendable {
    private final class Switch: Sendable {
        let isSilent = Atomic(false)
    }

    let simulator: StacksSimulator
    let server: LoopbackServer
    private let silence: Switch

    init() throws {
        let (simulator, silence) = (StacksSimulator(), Switch())
        self.simulator = simulator
        self.silence = silence
        server = try LoopbackServer { text, _ in
            guard !silence.isSilent.load(ordering: .relaxed) else { return .silence }
            guard let response = try? simulator.respond(to: Self.request(text)) else { return .hangUp }
            return .ok(
                String(decoding: response.body, as: UTF8.self), status: "\(response.status.code) Status",
                fields: response.headerFields.fields.filter { $0.name != .contentLength }
                    .map { "\($0.name): \($0.value)" })
        }
    }

    /// How many polls have arrived.
    var polls: Int { server.received.count { $0.contains("/scheduled-jobs?") } }

    /// Responds no more, and returns when a poll waits for that.
    func fallSilent() async throws {
        silence.isSilent.store(true, ordering: .relaxed)
        let polls = polls
        try await wait { self.polls > polls }
    }

    /// - Parameter work: What the agents do between their job's start and its end.
    func controller(
        over transport: any HTTPTransport, capacity: Int = 10, work: @escaping @Sendable () -> Void = {}
    ) throws -> StackController {
        var client = StacksClient.Configuration()
        client.baseURL = "\(server.origin)/v3"
        var configuration = StackController.Configuration(stackKey: "stack", queue: "default")
        configuration.maximumInFlight = capacity
        configuration.pollInterval = .milliseconds(20)
        configuration.settleTimeout = .seconds(1)
        return try StackController(
            client: StacksClient(token: simulator.token, transport: transport, configuration: client),
            configuration: configuration, launcher: PlainAgents(simulator: simulator, work: work),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func request(_ text: String) -> TransportRequest {
        let parts = text.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        let words = lines[0].components(separatedBy: " ")
        var fields = HTTPFields()
        for line in lines.dropFirst() {
            let field = line.split(separator: ":", maxSplits: 1)
            guard field.count == 2, let name = HTTPField.Name(String(field[0])) else { continue }
            fields[name] = field[1].trimmingCharacters(in: .whitespaces)
        }
        let body = parts.dropFirst().joined(separator: "\r\n\r\n")
        return TransportRequest(
            method: HTTPRequest.Method(words[0]) ?? .get, origin: "", path: words[1], headerFields: fields,
            body: body.isEmpty ? nil : Array(body.utf8))
    }
}
