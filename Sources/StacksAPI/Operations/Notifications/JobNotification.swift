#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Something to tell the people who wait for a job, shown on the job's page: `"Starting a virtual machine"`.
public struct JobNotification: Sendable, Hashable {
    /// The job it is about. One job takes at most 100 notifications over its life.
    public var job: JobID
    /// What is shown, 1 to 256 characters. A longer one is cropped, with a marker at its end.
    public var detail: String
    /// When it happened: not in the future, and not before the job was created. `nil` means now.
    public var timestamp: Date?

    /// A notification.
    public init(job: JobID, detail: String, timestamp: Date? = nil) {
        self.job = job
        self.detail = detail
        self.timestamp = timestamp
    }
}

/// What became of notifications.
public struct NotificationResult: Sendable, Hashable {
    /// The notifications that were not created, by reason. All others were.
    public var failures: [NotificationFailure]

    /// What became of notifications.
    public init(failures: [NotificationFailure] = []) { self.failures = failures }
}

/// Why some notifications were not created.
public struct NotificationFailure: Sendable, Hashable {
    /// The server's reason.
    public var error: String
    /// Which notifications it is about: positions in the list that was given, from 0.
    public var indexes: [Int]

    /// A reason.
    public init(error: String, indexes: [Int]) {
        self.error = error
        self.indexes = indexes
    }
}
