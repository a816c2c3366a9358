#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension StacksClient {
    /// Shows notifications on jobs' pages.
    ///
    /// The valid ones are created even when others are not. More than 1000 are sent in several requests, one after the
    /// other, so that they stay in their order; see ``StacksResponse/failedBatches``. A request that may have arrived
    /// is not sent again, because its notifications would show twice.
    ///
    /// - Parameters:
    ///   - notifications: The notifications, at least one. One job takes at most 100 over its life.
    ///   - stack: The stack's key.
    ///   - options: What this call does otherwise than the client.
    /// - Returns: The notifications that were not created, by their positions in `notifications`.
    /// - Throws: ``StacksAPIError``.
    @discardableResult
    public func notify(
        _ notifications: [JobNotification],
        stack: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<NotificationResult> {
        try Argument.check(stackKey: stack, for: .notify)
        try Argument.check(notifications: notifications, for: .notify)
        return try await core.notify(notifications, stack: stack, options: options)
    }

    /// Shows one notification on a job's page.
    ///
    /// - Parameters:
    ///   - job: The job.
    ///   - detail: What is shown, 1 to 256 characters. A longer one is cropped, with a marker at its end.
    ///   - timestamp: When it happened; now when left out.
    ///   - stack: The stack's key.
    ///   - options: What this call does otherwise than the client.
    /// - Returns: The notification with its error when it was not created.
    /// - Throws: ``StacksAPIError``.
    @discardableResult
    public func notify(
        _ job: JobID,
        detail: String,
        timestamp: Date? = nil,
        stack: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<NotificationResult> {
        let notification = JobNotification(job: job, detail: detail, timestamp: timestamp)
        return try await notify([notification], stack: stack, options: options)
    }
}

extension ClientCore {
    /// Sends notifications in as many requests as they need, one after the other: two for one job stay in their order.
    fileprivate func notify(
        _ notifications: [JobNotification], stack: String, options: CallOptions
    ) async throws -> StacksResponse<NotificationResult> {
        let target = target(.notify, stack: stack)
        let notifications = notifications.map { notification in
            var notification = notification
            notification.detail = cropped(notification.detail, to: .notificationDetail, of: .notify)
            return notification
        }
        func send(_ range: Range<Int>, _ options: CallOptions) async throws -> StacksResponse<NotificationResult> {
            try await perform(
                target, body: NotificationsRequest.encode(notifications[range]), options: options,
                decode: NotificationResult.read)
        }
        if notifications.count <= Self.batchSize { return try await send(notifications.indices, options) }
        let ranges = Self.ranges(notifications.count)
        return try await wholeCall(target.operation, options) { options in
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
