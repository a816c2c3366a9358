#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension StacksClient {
    /// Shows notifications on jobs' pages.
    ///
    /// Valid notifications are created even when others are not. More than 1000 take several requests, one after the
    /// other so that they stay in order; see ``StacksResponse/failedBatches``. The client does not retry a request that
    /// may have taken effect, because its notifications would be shown twice.
    ///
    /// - Parameters:
    ///   - notifications: The notifications, at least one. A job can have at most 100 over its life.
    ///   - stack: The stack's key.
    ///   - options: Options of this call.
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
    ///   - detail: The text, 1 to 256 characters. The client crops a longer one and marks its end.
    ///   - timestamp: When it happened; now when left out.
    ///   - stack: The stack's key.
    ///   - options: Options of this call.
    /// - Returns: The error, when the notification was not created.
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
    /// Sends notifications in as many requests as needed, one after the other, so that those of a job stay in order.
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
        return try await wholeCall(target.definition, options) { options in
            var outcomes: [BatchOutcome<NotificationResult>] = []
            for range in ranges {
                if Task.isCancelled {
                    outcomes.append(.cancelled(requests: 0))
                    continue
                }
                // The server's positions are those within the request, the caller's those within the list.
                outcomes.append(
                    await BatchOutcome(options) { options in
                        try await send(range, options).map { $0.moved(by: range.lowerBound) }
                    })
            }
            return try Self.join(outcomes, of: ranges, .notify).map { results in
                NotificationResult(failures: results.flatMap(\.failures))
            }
        }
    }
}

/// The body of up to 1000 notifications.
enum NotificationsRequest {
    static func encode(_ notifications: ArraySlice<JobNotification>) -> [UInt8] {
        var capacity = 24
        for index in notifications.indices {
            capacity += 32 + JSONWriter.size(notifications[index].job) + JSONWriter.size(notifications[index].detail)
            if notifications[index].timestamp != nil { capacity += 18 + ISO8601.textLength }
        }
        return JSONWriter.bytes(capacity: capacity) { writer in
            writer.raw(#"{"notifications":["#)
            for index in notifications.indices {
                writer.raw(index == notifications.startIndex ? #"{"job_uuid":"# : #",{"job_uuid":"#)
                writer.identifier(notifications[index].job)
                writer.raw(#","detail":"#)
                writer.string(notifications[index].detail)
                if let timestamp = notifications[index].timestamp, let text = ISO8601.text(timestamp) {
                    writer.raw(#","timestamp":"#)
                    writer.string(text)
                }
                writer.raw("}")
            }
            writer.raw("]}")
        }
    }
}

extension NotificationResult {
    /// The same, with positions increased by `offset`.
    fileprivate func moved(by offset: Int) -> NotificationResult {
        NotificationResult(
            failures: failures.map { failure in
                // A position that would overflow is not one of a notification.
                NotificationFailure(
                    error: failure.error, indexes: failure.indexes.filter { $0 <= .max - offset }.map { $0 + offset })
            }
        )
    }
}
