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
        return try await performInSeveral(
            endpoint, path: path, jobs: jobs, request: request, options: options, decode: decode, join: join)
    }

    /// The same for a list that one request does not hold. Apart, because it takes much memory of its task, and is rare.
    @inline(never)
    private func performInSeveral<Value: Sendable>(
        _ endpoint: Endpoint,
        path: CallPath,
        jobs: [JobID],
        request: JobListRequest,
        options: CallOptions,
        decode: @escaping @Sendable (inout JSONReader) throws(JSONError) -> Value,
        join: ([Value]) -> Value
    ) async throws -> StacksResponse<Value> {
        let ranges = Self.ranges(jobs.count)
        return try await wholeCall(endpoint, options) { options in
            let outcomes = await withTaskGroup(of: (Int, BatchOutcome<Value>).self) { group in
                var outcomes: [BatchOutcome<Value>] = Array(repeating: .notSent, count: ranges.count)
                for (index, range) in ranges.enumerated() {
                    // A place becomes free when one comes back.
                    if index >= configuration.maximumConcurrentBatches, let (done, outcome) = await group.next() {
                        outcomes[done] = outcome
                    }
                    let isAdded = group.addTaskUnlessCancelled {
                        let outcome = await BatchOutcome {
                            try await self.perform(
                                endpoint, path: path, body: request.encode(jobs[range]), options: options,
                                decode: decode)
                        }
                        return (index, outcome)
                    }
                    if !isAdded { break }
                }
                for await (done, outcome) in group { outcomes[done] = outcome }
                return outcomes
            }
            return try Self.join(outcomes, of: ranges, endpoint.operation).map(join)
        }
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
        let ranges = Self.ranges(notifications.count)
        return try await wholeCall(.notify, options) { options in
            var outcomes: [BatchOutcome<NotificationResult>] = []
            for range in ranges {
                if Task.isCancelled {
                    outcomes.append(.notSent)
                    continue
                }
                // The server counts within a request; the caller counts within the list.
                outcomes.append(
                    await BatchOutcome { try await send(range, options).map { $0.moved(by: range.lowerBound) } })
            }
            return try Self.join(outcomes, of: ranges, .notify).map { parts in
                NotificationResult(failures: parts.flatMap(\.failures))
            }
        }
    }

    /// Runs a call of several requests: they have one deadline, and one trace.
    func wholeCall<Value: Sendable>(
        _ endpoint: Endpoint, _ options: CallOptions,
        _ requests: (CallOptions) async throws -> StacksResponse<Value>
    ) async throws -> StacksResponse<Value> {
        var options = options
        options.limit = options.absoluteDeadline(environment.now)
        options.timeout = nil
        let trace = trace(of: endpoint, options)
        if let part = trace.part { options.trace = part }
        do {
            let response = try await requests(options)
            trace.succeeded(response)
            return response
        } catch {
            trace.failed(error)
            throw error
        }
    }

    private static func ranges(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: batchSize).map { $0..<min($0 + batchSize, count) }
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
