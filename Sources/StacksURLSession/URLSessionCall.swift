import Foundation
import HTTPTypes
import StacksTransport
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A call: owns the received bytes and the continuation that waits for the outcome.
///
/// The session's delegate, the deadline, cancellation or a shutdown may end a call. The first one settles it; the others
/// have no effect.
final class URLSessionCall: Sendable {
    /// How far the engine is known to have come.
    struct Progress: Sendable {
        /// The engine was asked to start.
        var hasBegun = false
        /// The engine has read bytes of the request body, which it does after it has a connection.
        var tookBody = false
        /// The response header has arrived.
        var hasHeader = false

        var phase: TransportError.Phase {
            hasHeader ? .receiving : tookBody ? .waiting : hasBegun ? .sending : .queued
        }
    }

    private struct State {
        var progress = Progress()
        var task: URLSessionTask?
        var engine: EngineSession?
        var head: (status: HTTPResponse.Status, fields: HTTPFields)?
        var body: [UInt8] = []
        var continuation: CheckedContinuation<TransportResponse, any Error>?
        var outcome: Result<TransportResponse, any Error>?
    }

    private let request: TransportRequest
    private let limit: Int
    private let state = Mutex(State())

    init(_ request: TransportRequest, limit: Int) {
        self.request = request
        self.limit = limit
    }

    private var progress: Progress { state.withLock { $0.progress } }

    /// Runs the call and returns its response.
    ///
    /// - Throws: `TransportError`, or `CancellationError`.
    nonisolated(nonsending) func run(
        _ request: URLRequest,
        on engine: EngineSession,
        until deadline: ContinuousClock.Instant
    ) async throws -> TransportResponse {
        try await withThrowingTaskGroup(of: TransportResponse?.self) { group in
            group.addTask { try await self.perform(request, on: engine) }
            group.addTask {
                // Returns early when the call has ended and the group is cancelled.
                while !Task.isCancelled, deadline > .now {
                    // At most a day at a time, because the clock traps on instants beyond 64 bits of seconds.
                    try? await Task.sleep(until: min(deadline, .now + .seconds(86_400)), clock: .continuous)
                }
                if !Task.isCancelled { self.expire() }
                return nil
            }
            defer { group.cancelAll() }
            while let response = try await group.next() {
                if let response { return response }
            }
            throw CancellationError()
        }
    }

    private nonisolated(nonsending) func perform(
        _ request: URLRequest,
        on engine: EngineSession
    ) async throws -> TransportResponse {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state in
                    state.engine = engine
                    if state.outcome == nil { state.continuation = continuation }
                    return state.outcome
                }
                if let outcome {
                    continuation.resume(with: outcome)
                } else {
                    engine.begin(request, for: self)
                }
            }
        } onCancel: {
            settle(.failure(CancellationError()))
        }
    }

    // MARK: Start

    /// Whether the call has its outcome.
    var isSettled: Bool { state.withLock { $0.outcome != nil } }

    /// Stores the engine's task.
    ///
    /// - Returns: Whether to resume the task: `false` when the call is settled.
    func begin(_ task: URLSessionTask) -> Bool {
        state.withLock { state in
            guard state.outcome == nil else { return false }
            state.task = task
            state.progress.hasBegun = true
            return true
        }
    }

    // MARK: End

    /// Fails the call at its deadline.
    private func expire() {
        settle(.failure(TransportError.deadlineExceeded(phase: progress.phase)))
    }

    /// Fails the call because the transport is shut down.
    func close() {
        settle(.failure(TransportError.transportClosed(phase: progress.phase)))
    }

    /// The engine has ended the call.
    ///
    /// - Parameter connectionIsCertainlyNew: Whether the session had no response before, and so no connection to reuse.
    func complete(with error: (any Error)?, connectionIsCertainlyNew: Bool) {
        func fail(_ error: URLError) {
            let circumstances = FailureCircumstances(request, connectionIsCertainlyNew: connectionIsCertainlyNew)
            settle(.failure(TransportError(error, progress: progress, circumstances: circumstances)))
        }
        if let error { return fail(error as? URLError ?? URLError(.unknown)) }
        let response = state.withLock { state in
            state.head.map { TransportResponse(status: $0.status, headerFields: .init($0.fields), body: state.body) }
        }
        guard let response else { return fail(URLError(.badServerResponse)) }
        settle(.success(response))
    }

    private func settle(_ outcome: Result<TransportResponse, any Error>) {
        let settled: State? = state.withLock { state in
            guard state.outcome == nil else { return nil }
            defer {
                state.outcome = outcome
                state.body = []
                state.continuation = nil
                (state.task, state.engine) = (nil, nil)
            }
            return state
        }
        guard let settled else { return }
        // Has no effect on a task that has ended.
        if case .failure = outcome, let task = settled.task { settled.engine?.cancel(task) }
        settled.continuation?.resume(with: outcome)
    }

    // MARK: Events of the engine

    func tookBody() {
        state.withLock { $0.progress.tookBody = true }
    }

    func received(_ response: URLResponse) {
        guard let response = response as? HTTPURLResponse else { return }
        let head = (status: HTTPResponse.Status(code: response.statusCode), fields: HTTPFields(response))
        state.withLock { state in
            state.progress.hasHeader = true
            state.head = head
        }
    }

    func received(_ data: Data) {
        let isTooLarge = state.withLock { state in
            guard state.outcome == nil else { return false }
            guard data.count <= limit - state.body.count else { return true }
            state.body.append(contentsOf: data)
            return false
        }
        guard isTooLarge else { return }
        let message = "the response exceeds \(limit) bytes"
        settle(.failure(TransportError(code: .responseTooLarge, phase: .receiving, message: message)))
    }
}

extension HTTPFields {
    /// The fields of `response`, up to the limit. URLSession has combined fields of the same name and lost their order.
    init(_ response: HTTPURLResponse) {
        self.init()
        for case let (name as String, value as String) in response.allHeaderFields {
            guard count < ResponseHeaderFields.maximumCount else { break }
            guard let name = HTTPField.Name(name) else { continue }
            append(HTTPField(name: name, value: value))
        }
    }
}
