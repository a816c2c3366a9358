import Logging
import StacksAPI
import StacksTesting
import StacksTransport
import StacksURLSession
import Synchronization
import Testing

func whoseToken(token: String) async throws {
    try await withURLSessionTransport { transport in
        let client = try StacksClient(token: token, transport: transport)
        print(try await client.tokenIdentity().organizationSlug ?? "no organization")
    }
}

/// Logs slow calls.
struct SlowCallLog<Base: HTTPTransport>: HTTPTransport {
    var base: Base
    var limit: Duration
    var logger: Logger

    var preferredExecutor: (any TaskExecutor)? { base.preferredExecutor }

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        let start = ContinuousClock.now
        // The description of a request is its method and path, without credentials.
        defer {
            let duration = ContinuousClock.now - start
            if duration > limit { logger.warning("\(request) took \(duration)") }
        }
        return try await base.send(request)
    }
}

/// A callback-based engine: `start` begins a call and returns a closure that stops it.
protocol Engine: Sendable {
    typealias Outcome = Result<TransportResponse, TransportError>

    func start(_ request: TransportRequest, done: @escaping @Sendable (Outcome) -> Void) -> @Sendable () -> Void
}

struct EngineTransport<Source: Engine>: HTTPTransport {
    var engine: Source
    var requestTimeout = Duration.seconds(30)

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        try Task.checkCancellation()
        let deadline = request.deadline ?? .now + requestTimeout
        guard deadline > .now else {
            throw TransportError(code: .timeout, phase: .queued, message: "the deadline of \(request) has passed")
        }
        return try await withThrowingTaskGroup(of: TransportResponse.self) { group in
            group.addTask { try await exchange(request) }
            group.addTask {
                try await Task.sleep(until: deadline, clock: .continuous)
                throw TransportError(code: .timeout, phase: .waiting, message: "\(request) timed out")
            }
            // Cancels the other task, which ends before this call returns.
            defer { group.cancelAll() }
            guard let response = try await group.next() else { throw CancellationError() }
            return response
        }
    }

    private func exchange(_ request: TransportRequest) async throws -> TransportResponse {
        let call = EngineCall()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard call.begin(continuation) else { return }
                call.stop(with: engine.start(request) { call.end($0.mapError { $0 }) })
            }
        } onCancel: {
            call.cancel()
        }
    }
}

/// Resumes a continuation exactly once, after unlocking: the resumed code may call back.
private final class EngineCall: Sendable {
    private struct State {
        var continuation: CheckedContinuation<TransportResponse, any Error>?
        var stop: (@Sendable () -> Void)?
        var isOver = false
    }

    private let state = Mutex(State())

    /// - Returns: Whether to start the call: `false` when it is already cancelled.
    func begin(_ continuation: CheckedContinuation<TransportResponse, any Error>) -> Bool {
        let isOver = state.withLock { state in
            if !state.isOver { state.continuation = continuation }
            return state.isOver
        }
        if isOver { continuation.resume(throwing: CancellationError()) }
        return !isOver
    }

    /// Stores the closure that stops the engine, or calls it when the call has ended already.
    func stop(with stop: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if !state.isOver { state.stop = stop }
            return state.isOver
        }
        if isOver { stop() }
    }

    func end(_ result: Result<TransportResponse, any Error>) {
        take().continuation?.resume(with: result)
    }

    func cancel() {
        let taken = take()
        taken.stop?()
        taken.continuation?.resume(throwing: CancellationError())
    }

    private func take() -> State {
        state.withLock { state in
            defer { state = State(isOver: true) }
            return state
        }
    }
}

/// The server of the suite as an engine: every call is a task.
struct ServerEngine: Engine {
    var server: ConformanceServer

    func start(_ request: TransportRequest, done: @escaping @Sendable (Outcome) -> Void) -> @Sendable () -> Void {
        let task = Task {
            do {
                done(.success(try await server.respond(to: request)))
            } catch {
                done(.failure(TransportError(code: .connectionClosed, phase: .waiting, message: "\(error)")))
            }
        }
        return { task.cancel() }
    }
}

@Suite("The transports of the documentation", .timeLimit(.minutes(5)))
struct DocumentedTransportTests {
    @Test("a callback-based engine keeps the contract")
    func conformance() async {
        var suite = TransportConformance(origin: "http://memory") {
            EngineTransport(engine: ServerEngine(server: ConformanceServer()))
        }
        // This engine has no network and no limit for the size of a response.
        suite.exemptions = [.privateAuthority, .http2, .refusedConnection, .cutHeader, .responseLimit]
        let report = await suite.run()
        #expect(report.failures.isEmpty, "\(report)")
    }

    @Test("what wraps a transport keeps the contract too")
    func wrapper() async {
        var suite = TransportConformance(origin: "http://memory") {
            let engine = EngineTransport(engine: ServerEngine(server: ConformanceServer()))
            let logger = Logger(label: "slow") { _ in SwiftLogNoOpLogHandler() }
            return SlowCallLog(base: engine, limit: .zero, logger: logger)
        }
        suite.exemptions = [.privateAuthority, .http2, .refusedConnection, .cutHeader, .responseLimit]
        let report = await suite.run()
        #expect(report.failures.isEmpty, "\(report)")
    }
}
