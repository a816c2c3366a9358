import HTTPTypes
import StacksTransport

extension ClientCore {
    /// How many items one request carries at most.
    static let batchSize = 1000

    /// Sends a list of jobs in as many requests as it needs, several at a time, and joins the answers in order.
    func performInBatches<Value: Sendable>(
        _ endpoint: Endpoint,
        path: CallPath,
        jobs: [JobID],
        request: JobListRequest,
        options: CallOptions,
        decode: @escaping @Sendable (inout JSONReader) throws(JSONError) -> Value,
        join: ([Value]) -> Value
    ) async throws -> StacksResponse<Value> {
        if jobs.count <= Self.batchSize {
            return try await perform(
                endpoint, path: path, body: request.encode(jobs[...]), options: options, decode: decode)
        }
        let options = wholeCall(options)
        let ranges = Self.ranges(jobs.count)
        let outcomes = await withTaskGroup(of: (Int, Result<StacksResponse<Value>, any Error>).self) { group in
            var outcomes: [Result<StacksResponse<Value>, any Error>?] = Array(repeating: nil, count: ranges.count)
            for (index, range) in ranges.enumerated() {
                // A place becomes free when one comes back.
                if index >= configuration.maximumConcurrentBatches, let (done, outcome) = await group.next() {
                    outcomes[done] = outcome
                }
                group.addTask {
                    do {
                        let body = request.encode(jobs[range])
                        return (
                            index,
                            .success(
                                try await self.perform(
                                    endpoint, path: path, body: body, options: options, decode: decode))
                        )
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for await (done, outcome) in group { outcomes[done] = outcome }
            return outcomes.compactMap(\.self)
        }
        return try Self.join(outcomes, of: ranges).map(join)
    }

    /// Sends notifications in as many requests as they need, one after the other: two for one job stay in their order.
    func notify(
        _ notifications: [JobNotification], path: CallPath, options: CallOptions
    ) async throws -> StacksResponse<NotificationResult> {
        let notifications = notifications.map { notification in
            var notification = notification
            notification.detail = cropped(notification.detail, to: .notificationDetail, of: .notify)
            return notification
        }
        func send(_ range: Range<Int>, _ options: CallOptions) async throws -> StacksResponse<NotificationResult> {
            try await perform(
                .notify, path: path, body: NotificationsRequest.encode(notifications[range]), options: options,
                decode: NotificationResult.read)
        }
        if notifications.count <= Self.batchSize { return try await send(notifications.indices, options) }
        let options = wholeCall(options)
        let ranges = Self.ranges(notifications.count)
        var outcomes: [Result<StacksResponse<NotificationResult>, any Error>] = []
        for range in ranges {
            do {
                // The server counts within a request; the caller counts within the list.
                let response = try await send(range, options)
                outcomes.append(.success(response.map { $0.moved(by: range.lowerBound) }))
            } catch let error as StacksAPIError {
                outcomes.append(.failure(error))
            }
        }
        return try Self.join(outcomes, of: ranges).map { parts in
            NotificationResult(failures: parts.flatMap(\.failures))
        }
    }

    /// The same options with the time-out as a deadline, so that it holds for all requests together.
    func wholeCall(_ options: CallOptions) -> CallOptions {
        var options = options
        options.limit = options.absoluteDeadline(environment.now)
        options.timeout = nil
        return options
    }

    private static func ranges(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: batchSize).map { $0..<min($0 + batchSize, count) }
    }

    /// One answer of many: what succeeded, in order, beside what failed. It throws when nothing succeeded, and when the
    /// task was cancelled.
    ///
    /// Status, header fields and metrics are those of the part whose rate limit has least left.
    private static func join<Value: Sendable>(
        _ outcomes: [Result<StacksResponse<Value>, any Error>], of ranges: [Range<Int>]
    ) throws -> StacksResponse<[Value]> {
        var succeeded: [StacksResponse<Value>] = []
        var failed: [FailedBatch] = []
        for (range, outcome) in zip(ranges, outcomes) {
            switch outcome {
            case .success(let response): succeeded.append(response)
            case .failure(let error as StacksAPIError): failed.append(FailedBatch(range: range, error: error))
            case .failure(let error): throw error
            }
        }
        let attempts = succeeded.reduce(0) { $0 + $1.attempts } + failed.reduce(0) { $0 + $1.error.attempts }
        func left(_ response: StacksResponse<Value>) -> Int { response.rateLimit?.remaining ?? .max }
        guard let shown = succeeded.min(by: { left($0) < left($1) }) else {
            guard var error = failed.first?.error else { throw CancellationError() }
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

extension NotificationResult {
    /// The same with positions that are `offset` higher.
    fileprivate func moved(by offset: Int) -> NotificationResult {
        NotificationResult(
            failures: failures.map { failure in
                // A position too large to be moved names none of the notifications anyway.
                NotificationFailure(
                    error: failure.error, indexes: failure.indexes.filter { $0 <= .max - offset }.map { $0 + offset })
            }
        )
    }
}
