/// What became of one part of a long list.
enum BatchOutcome<Value: Sendable>: Sendable {
    case succeeded(StacksResponse<Value>)
    case failed(StacksAPIError)
    /// The task was cancelled while the part was under way: it may have been done.
    case cutOff
    /// The task was cancelled before the part was sent.
    case notSent

    /// What comes of sending a part.
    init(_ send: () async throws -> StacksResponse<Value>) async {
        do {
            self = .succeeded(try await send())
        } catch let error as StacksAPIError {
            self = .failed(error)
        } catch {
            // Nothing else is thrown than `CancellationError`.
            self = .cutOff
        }
    }
}

extension ClientCore {
    /// One answer of many: what succeeded, in order, beside what failed or was cancelled. It throws when nothing
    /// succeeded: a caller that is cancelled has to learn what it holds all the same, jobs that it reserved for example.
    ///
    /// Status, header fields and metrics are those of the part whose rate limit has least left.
    static func join<Value: Sendable>(
        _ outcomes: [BatchOutcome<Value>], of ranges: [Range<Int>], _ operation: StacksOperation
    ) throws -> StacksResponse<[Value]> {
        var succeeded: [StacksResponse<Value>] = []
        var failed: [FailedBatch] = []
        for (range, outcome) in zip(ranges, outcomes) {
            switch outcome {
            case .succeeded(let response): succeeded.append(response)
            case .failed(let error): failed.append(FailedBatch(range: range, error: error))
            case .cutOff: failed.append(FailedBatch(range: range, error: .cancelled(operation, wasUnderWay: true)))
            case .notSent: failed.append(FailedBatch(range: range, error: .cancelled(operation, wasUnderWay: false)))
            }
        }
        let attempts = succeeded.reduce(0) { $0 + $1.attempts } + failed.reduce(0) { $0 + $1.error.attempts }
        func left(_ response: StacksResponse<Value>) -> Int { response.rateLimit?.remaining ?? .max }
        guard let shown = succeeded.min(by: { left($0) < left($1) }) else {
            guard var error = failed.first?.error, !failed.contains(where: { $0.error.code == .cancelled }) else {
                throw CancellationError()
            }
            error.attempts = attempts
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
    /// The error of a part whose call was cancelled.
    fileprivate static func cancelled(_ operation: StacksOperation, wasUnderWay: Bool) -> StacksAPIError {
        StacksAPIError(
            code: .cancelled,
            operation: operation,
            message: wasUnderWay
                ? "The task was cancelled before this part of the list was answered: it may have been done."
                : "The task was cancelled before this part of the list was sent.",
            mayHaveTakenEffect: wasUnderWay
        )
    }
}
