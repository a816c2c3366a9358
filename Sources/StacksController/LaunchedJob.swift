public import StacksAPI
import Synchronization

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A job that is reserved for this stack, with the credential that lets an agent take it.
public struct LaunchedJob: Sendable, Identifiable {
    /// The job as it was listed: its rules, priority, pipeline, build and step.
    public var scheduled: ScheduledJob

    /// Lets an agent register and acquire this one job. It dies with the reservation.
    public var acquisitionToken: Secret

    /// When ``acquisitionToken`` expires, according to the server.
    public var tokenExpiresAt: Date?

    /// The key of the stack that reserved the job.
    public var stack: String

    /// The queue that the job was listed in.
    public var queue: QueueKey

    private let reader: JobDetailsReader

    /// The job's UUID.
    public var id: JobID { scheduled.id }

    /// A job to launch.
    ///
    /// - Parameters:
    ///   - scheduled: The job as it was listed.
    ///   - acquisitionToken: Lets an agent take the job.
    ///   - tokenExpiresAt: When the token expires.
    ///   - stack: The key of the stack that reserved the job.
    ///   - queue: The queue that the job was listed in.
    ///   - details: Reads what the job runs, for ``details()``. By default that throws an error.
    public init(
        scheduled: ScheduledJob,
        acquisitionToken: Secret,
        tokenExpiresAt: Date? = nil,
        stack: String = "",
        queue: QueueKey = .default,
        details: (@Sendable () async throws -> Job)? = nil
    ) {
        self.scheduled = scheduled
        self.acquisitionToken = acquisitionToken
        self.tokenExpiresAt = tokenExpiresAt
        self.stack = stack
        self.queue = queue
        reader = JobDetailsReader(details)
    }

    /// Reads the job's command and environment, which can contain secrets and exceed 100 KB.
    ///
    /// The first call makes one request to Buildkite, which a launcher that does not need the details saves. Calls after it has
    /// returned, on copies of this value too, return what it read. Calls at the same time make a request each.
    ///
    /// - Returns: What the job runs.
    /// - Throws: `StacksAPIError` when the request fails; with `notFound` when Buildkite no longer knows the job.
    ///   `CancellationError` when the task is cancelled.
    public func details() async throws -> Job { try await reader.details() }

    /// The same job, whose details are read with `details`.
    func readingDetails(_ details: @escaping @Sendable () async throws -> Job) -> LaunchedJob {
        LaunchedJob(
            scheduled: scheduled, acquisitionToken: acquisitionToken, tokenExpiresAt: tokenExpiresAt, stack: stack,
            queue: queue, details: details)
    }
}

/// Reads what a job runs when it is first needed, and keeps it.
private final class JobDetailsReader: Sendable {
    private let read: (@Sendable () async throws -> Job)?
    private let known = Mutex<Job?>(nil)

    init(_ read: (@Sendable () async throws -> Job)?) { self.read = read }

    func details() async throws -> Job {
        if let job = known.withLock({ $0 }) { return job }
        guard let read else {
            throw StacksAPIError(
                code: .invalidArgument, operation: .job, message: "This job was made without a way to read its details."
            )
        }
        let job = try await read()
        known.withLock { $0 = job }
        return job
    }
}
