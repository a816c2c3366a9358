public import StacksTransport
import Synchronization

/// A transport without a network: a closure, a script, or a ``StacksSimulator`` answers.
///
/// ```swift
/// let transport = InMemoryTransport { request in
///     TransportResponse(status: .ok, body: Array(#"{"id": "…"}"#.utf8))
/// }
/// ```
///
/// It keeps the rules of `HTTPTransport`: a call ends at its deadline and when its task is cancelled, and after
/// ``shutdown()`` every call fails, those in flight too. It never sleeps but on the clock it was given, so a test with
/// a ``ManualClock`` decides when a delay is over. All methods may be called from any thread.
public final class InMemoryTransport: HTTPTransport {
    /// What a handler is: a request in, an answer out, or an error that the caller is to get. It has to return or
    /// throw soon after its task is cancelled, as an async function should.
    public typealias Handler = @Sendable (TransportRequest) async throws -> TransportResponse

    /// One step of a script: an answer or a failure, after a while.
    public struct Step: Sendable {
        var result: Result<TransportResponse, TransportError>?
        var delay: Duration

        /// An answer.
        public static func respond(_ response: TransportResponse, after delay: Duration = .zero) -> Step {
            Step(result: .success(response), delay: delay)
        }

        /// A failure.
        public static func fail(_ error: TransportError, after delay: Duration = .zero) -> Step {
            Step(result: .failure(error), delay: delay)
        }

        /// No answer at all, until the deadline, cancellation or shutdown.
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
        /// Those who wait for the shutdown, one for each call in flight that takes time.
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

    /// A transport whose answers come from `handler`.
    ///
    /// - Parameters:
    ///   - clock: What deadlines and scripted delays are waited for on.
    ///   - handler: Answers each request that the script has no step for.
    public convenience init(clock: any Clock<Duration> = ContinuousClock(), handler: @escaping Handler) {
        self.init(clock: clock, source: .handler(handler))
    }

    /// A transport whose answers come from a script, in order; past its end, calls fail.
    public convenience init(clock: any Clock<Duration> = ContinuousClock(), script: [Step]) {
        self.init(clock: clock, source: .scriptOnly)
        enqueue(script)
    }

    /// The requests so far, bodies included, in the order in which they were sent.
    public var requests: [TransportRequest] { state.withLock { $0.requests } }

    /// Adds to the script. Its steps are taken before the handler or the simulator is asked.
    public func enqueue(_ steps: [Step]) {
        state.withLock { $0.script += steps }
    }

    /// Ends every call in flight, and every later one, with `TransportError.Code.transportClosed`.
    public func shutdown() {
        let waiting = state.withLock { state in
            state.isShutDown = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Answers `request` as the script, the handler or the simulator says.
    ///
    /// - Throws: What they throw, `CancellationError`, or a `TransportError` for the deadline and the shutdown.
    public nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
        try Task.checkCancellation()
        if let deadline = request.deadline, deadline <= .now { throw TransportError.deadline(phase: .queued) }
        let step: Step?? = state.withLock { state in
            if state.isShutDown { return .none }
            if recordsRequests { state.requests.append(request) }
            return .some(state.script.popFirst())
        }
        guard let step else { throw TransportError.shutDown(phase: .queued) }
        if let step { return try await finish(step, request) }
        switch source {
        case .handler(let handler):
            return try await race(request) { try await handler(request) }
        case .simulator(let simulator):
            let outcome = simulator.outcome(of: request)
            return try await finish(Step(result: outcome.result, delay: outcome.delay), request)
        case .scriptOnly:
            throw TransportError(code: .other, phase: .queued, message: "The script of the transport is at its end.")
        }
    }

    private nonisolated(nonsending) func finish(
        _ step: Step, _ request: TransportRequest
    ) async throws -> TransportResponse {
        if let result = step.result, step.delay == .zero { return try result.get() }
        return try await race(request) { [clock] in
            guard let result = step.result else {
                // Ended by the race alone.
                while true { try await clock.sleep(for: .seconds(86_400)) }
            }
            try await clock.sleep(for: step.delay)
            return try result.get()
        }
    }

    /// Runs `operation` against the deadline and the shutdown; what ends first is the call's outcome, and the others
    /// are cancelled and waited for.
    private nonisolated(nonsending) func race(
        _ request: TransportRequest, _ operation: @escaping @Sendable () async throws -> TransportResponse
    ) async throws -> TransportResponse {
        // A deadline is an instant of the continuous clock; the time left is waited for on the clock that was given.
        let timeLeft = request.deadline.map { ContinuousClock.now.duration(to: $0) }
        return try await withThrowingTaskGroup(of: TransportResponse.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await self.waitForShutdown()
                throw TransportError.shutDown(phase: .waiting)
            }
            if let timeLeft {
                group.addTask { [clock] in
                    try await clock.sleep(for: timeLeft)
                    throw TransportError.deadline(phase: .waiting)
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
                // Looked at under the lock, so that neither a cancellation nor a shutdown that came just before is
                // missed.
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

extension TransportError {
    fileprivate static func shutDown(phase: Phase) -> TransportError {
        TransportError(code: .transportClosed, phase: phase, message: "The transport was shut down.")
    }

    fileprivate static func deadline(phase: Phase) -> TransportError {
        TransportError(code: .timeout, phase: phase, message: "The deadline passed before an answer came.")
    }
}
