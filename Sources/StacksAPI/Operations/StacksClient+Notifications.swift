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
        return try await core.notify(
            notifications, path: core.path("stacks/", stack, "/notifications"), options: options)
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
