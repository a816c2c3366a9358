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

extension NotificationResult {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> NotificationResult {
        var result = NotificationResult()
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "errors": result.failures = try reader.valueIfReadable(readFailures) ?? []
            default: try reader.skip()
            }
        }
        return result
    }

    private static func readFailures(_ reader: inout JSONReader) throws(JSONError) -> [NotificationFailure] {
        if try reader.null() { return [] }
        var failures: [NotificationFailure] = []
        try reader.beginArray()
        while try reader.nextElement() {
            if let failure = try reader.valueIfReadable(readFailure) { failures.append(failure) }
        }
        return failures
    }

    private static func readFailure(_ reader: inout JSONReader) throws(JSONError) -> NotificationFailure {
        var failure = NotificationFailure(error: "", indexes: [])
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "error": failure.error = try reader.stringOrNil() ?? ""
            case "indexes": failure.indexes = try reader.valueIfReadable(readIndexes) ?? []
            default: try reader.skip()
            }
        }
        return failure
    }

    private static func readIndexes(_ reader: inout JSONReader) throws(JSONError) -> [Int] {
        var indexes: [Int] = []
        try reader.beginArray()
        while try reader.nextElement() {
            if let index = try reader.intOrNil() { indexes.append(index) }
        }
        return indexes
    }
}
