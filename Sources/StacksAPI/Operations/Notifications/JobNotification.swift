#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A message on a job's page for the people who wait for the job: `"Starting a virtual machine"`.
public struct JobNotification: Sendable, Hashable {
    /// The job, which can have at most 100 notifications over its life.
    public var job: JobID
    /// The text, 1 to 256 characters. The client crops a longer one and marks its end.
    public var detail: String
    /// When it happened: not in the future and not before the job was created; `nil` for now.
    public var timestamp: Date?

    /// A notification.
    public init(job: JobID, detail: String, timestamp: Date? = nil) {
        self.job = job
        self.detail = detail
        self.timestamp = timestamp
    }
}

/// The result of creating notifications.
public struct NotificationResult: Sendable, Hashable {
    /// The notifications that were not created, by reason.
    public var failures: [NotificationFailure]

    /// A result.
    public init(failures: [NotificationFailure] = []) { self.failures = failures }
}

/// Why some notifications were not created.
public struct NotificationFailure: Sendable, Hashable {
    /// The server's reason.
    public var error: String
    /// The notifications' positions in the caller's list, counted from 0.
    public var indexes: [Int]

    /// A reason.
    public init(error: String, indexes: [Int]) {
        self.error = error
        self.indexes = indexes
    }
}
