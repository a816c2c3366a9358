public import StacksTransport
import Synchronization

/// A transport without a network, whose responses come from a closure, a script, or a ``StacksSimulator``.
///
/// ```swift
/// let transport = InMemoryTransport { request in
///     TransportResponse(status: .ok, body: Array(#"{"id": "…"}"#.utf8))
/// }
/// ```
///
/// It keeps the rules of `HTTPTransport`: a call ends at its deadline and when its task is cancelled, and ``shutdown()``
/// fails all calls. It sleeps only on its clock, so that a test with a ``ManualClock`` decides when a delay ends. All
/// methods are thread-safe.
public final class InMemoryTransport: HTTPTransport {
    /// Returns the response to a request, or throws the error of the call. After its task is cancelled, it must return or
    /// throw soon.
    public typealias Handler = @Sendable (TransportRequest) async throws -> TransportResponse

    /// A step of a script: a response or an error, after a delay.
    public struct Step: Sendable {
        var result: Result<TransportResponse, TransportError>?
        var delay: Duration

        /// A response.
        public static func respond(_ response: TransportResponse, after delay: Duration = .zero) -> Step {
            Step(result: .success(response), delay: delay)
        }

        /// An error.
        public static func fail(_ error: TransportError, after delay: Duration = .zero) -> Step {
            Step(result: .failure(error), delay: delay)
        }

        /// No response until the deadline, cancellation or shutdown.
        public static let hang = Step(result: nil, delay: .zero)
    }

    enum Source: Sendable {
        case handler(Handler)
        case simulator(StacksSimulator)
        case scriptOnly
    }

    private struct State {
        var requests: [TransportRequest] = []
        var script: ArraySlice<Step> = []
        var isShutDown = false
        var nextCall: UInt64 = 0
        /// The continuations that wait for the shutdown, one for each call in flight with a delay.
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let clock: any Clock<Duration>
    private let source: Source
    private let recordsRequests: Bool
    private let state = Mutex(State())

    init(clock: any Clock<Duration>, source: Source, recordsRequests: Bool = true) {
        self.clock = clock
        self.source = source
        self.recordsRequests = recordsRequests
    }

    /// Creates a transport whose responses come from `handler`.
    ///
    /// - Parameters:
    ///   - clock: The clock for deadlines and scripted delays.
    ///   - handler: Responds to each request without a step in the script.
    public convenience init(clock: any Clock<Duration> = ContinuousClock(), handler: @escaping Handler) {
        self.init(clock: clock, source: .handler(handler))
    }

    /// Creates a transport whose responses come from a script, in order. After its last step, calls fail.
    public convenience init(clock: any Clock<Duration> = ContinuousClock(), script: [Step]) {
        self.init(clock: clock, source: .scriptOnly)
        enqueue(script)
    }

    /// The requests so far with their bodies, in order.
    public var requests: [TransportRequest] { state.withLock { $0.requests } }

    /// Appends steps to the script, which takes precedence over the handler or the simulator.
    public func enqueue(_ steps: [Step]) {
        state.withLock { $0.script += steps }
    }

    /// Fails calls in flight and later calls with `TransportError.Code.transportClosed`.
    public func shutdown() {
        let waiting = state.withLock { state in
            state.isShutDown = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns the response of the script, the handler or the simulator.
    ///
    /// - Throws: Their error, `CancellationError`, or a `TransportError` at the deadline or the shutdown.
    public nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
        try Task.checkCancellation()
        if let deadline = request.deadline, deadline <= .now { throw TransportError.deadlineExceeded(phase: .queued) }
        let step: Step?? = state.withLock { state in
            if state.isShutDown { return .none }
            if recordsRequests { state.requests.append(request) }
            return .some(state.script.popFirst())
        }
        guard let step else { throw TransportError.transportClosed(phase: .queued) }
        if let step { return try await finish(step, request) }
        switch source {
        case .handler(let handler):
            return try await race(request) { try await handler(request) }
        case .simulator(let simulator):
            let outcome = simulator.outcome(of: request)
            return try await finish(Step(result: outcome.result, delay: outcome.delay), request)
        case .scriptOnly:
            throw TransportError(
                code: .other, phase: .queued, message: "the transport's script has no step for \(request)")
        }
    }

    private nonisolated(nonsending) func finish(
        _ step: Step, _ request: TransportRequest
    ) async throws -> TransportResponse {
        if let result = step.result, step.delay == .zero { return try result.get() }
        return try await race(request) { [clock] in
            guard let result = step.result else {
                // Only the race ends it.
                while true { try await clock.sleep(for: .seconds(86_400)) }
            }
            try await clock.sleep(for: step.delay)
            return try result.get()
        }
    }

    /// Races `operation` with the deadline and the shutdown. The first one to end is the outcome of the call; the others are
    /// cancelled and awaited.
    private nonisolated(nonsending) func race(
        _ request: TransportRequest, _ operation: @escaping @Sendable () async throws -> TransportResponse
    ) async throws -> TransportResponse {
        // A deadline is an instant of the continuous clock. The remaining time passes on the transport's clock.
        let timeLeft = request.deadline.map { ContinuousClock.now.duration(to: $0) }
        return try await withThrowingTaskGroup(of: TransportResponse.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await self.waitForShutdown()
                throw TransportError.transportClosed(phase: .waiting)
            }
            if let timeLeft {
                group.addTask { [clock] in
                    try await clock.sleep(for: timeLeft)
                    throw TransportError.deadlineExceeded(phase: .waiting)
                }
            }
            defer { group.cancelAll() }
            guard let response = try await group.next() else { throw CancellationError() }
            return response
        }
    }

    /// Returns at the shutdown.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    private func waitForShutdown() async throws {
        let call = state.withLock { state in
            state.nextCall += 1
            return state.nextCall
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Checked under the lock, so that a cancellation or shutdown just before is not missed.
                let isOver = state.withLock { state in
                    if state.isShutDown || Task.isCancelled { return true }
                    state.waiting[call] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: call) }?.resume()
        }
        try Task.checkCancellation()
    }
}
