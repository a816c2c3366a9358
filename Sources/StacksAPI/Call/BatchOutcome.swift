/// The outcome of one part of a long list.
enum BatchOutcome<Value: Sendable>: Sendable {
    case succeeded(StacksResponse<Value>)
    case failed(StacksAPIError)
    /// The task was cancelled after this many requests. With one or more, the part may have taken effect.
    case cancelled(requests: Int)

    /// The outcome of sending a part.
    ///
    /// - Parameter options: The options of the whole call.
    init(_ options: CallOptions, _ send: (CallOptions) async throws -> StacksResponse<Value>) async {
        var options = options
        options.isPart = true
        do {
            self = .succeeded(try await send(options))
        } catch let error as StacksAPIError {
            self = .failed(error)
        } catch {
            self = .cancelled(requests: (error as? CancelledPart)?.requests ?? 0)
        }
    }
}

/// The cancellation of one of several requests of a call, with the number of requests that were sent for it.
struct CancelledPart: Error {
    let requests: Int
}

extension ClientCore {
    /// Joins the responses of all parts, with those that failed or were cancelled in `failedBatches`. It throws
    /// when no part succeeded: even a cancelled caller has to learn what it holds, jobs that it reserved for example.
    ///
    /// Status, header fields and metrics are those of the part with the fewest requests left in its rate limit.
    static func join<Value: Sendable>(
        _ outcomes: [BatchOutcome<Value>], of ranges: [Range<Int>], _ operation: StacksOperation
    ) throws -> StacksResponse<[Value]> {
        var succeeded: [StacksResponse<Value>] = []
        var failed: [FailedBatch] = []
        for (range, outcome) in zip(ranges, outcomes) {
            switch outcome {
            case .succeeded(let response): succeeded.append(response)
            case .failed(let error): failed.append(FailedBatch(range: range, error: error))
            case .cancelled(let requests):
                failed.append(FailedBatch(range: range, error: .cancelled(operation, requests: requests)))
            }
        }
        let attempts = succeeded.reduce(0) { $0 + $1.attempts } + failed.reduce(0) { $0 + $1.error.attempts }
        func left(_ response: StacksResponse<Value>) -> Int { response.rateLimit?.remaining ?? .max }
        guard let shown = succeeded.min(by: { left($0) < left($1) }) else {
            guard var error = failed.first?.error, !failed.contains(where: { $0.error.code == .cancelled }) else {
                throw CancellationError()
            }
            error.attempts = attempts
            error.mayHaveTakenEffect = failed.contains { $0.error.mayHaveTakenEffect }
            throw error
        }
        return StacksResponse(
            value: succeeded.map(\.value),
            status: shown.status,
            headerFields: shown.headerFields,
            attempts: attempts,
            metrics: shown.metrics,
            failedBatches: failed,
            rateLimitWait: succeeded.reduce(.zero) { $0 + $1.rateLimitWait }
        )
    }
}

extension StacksAPIError {
    /// The error of a part that was cancelled.
    fileprivate static func cancelled(_ operation: StacksOperation, requests: Int) -> StacksAPIError {
        StacksAPIError(
            code: .cancelled,
            operation: operation,
            message: requests > 0
                ? "The task was cancelled before the response to this part of the list: it may have taken effect."
                : "The task was cancelled before this part of the list was sent.",
            attempts: requests,
            mayHaveTakenEffect: requests > 0
        )
    }
}
