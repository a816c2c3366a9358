extension StacksClient {
    /// Reads one page of the jobs that are ready to run on a queue, oldest first.
    ///
    /// A job stays in the list until its state changes; the list has no reserved jobs. Polling also keeps the queue
    /// connected, so go on polling while dispatch is paused.
    ///
    /// - Parameters:
    ///   - stack: The stack's key.
    ///   - queue: The queue.
    ///   - limit: The most jobs of the page, 1 to 1000; the server's default when left out.
    ///   - after: The ``ScheduledJobsPage/PageInfo/endCursor`` of the previous page.
    ///   - options: Options of this call.
    /// - Returns: The page, whether dispatch is paused, and where the next page begins.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/notFound`` when there is no such stack or queue.
    public func scheduledJobs(
        stack: String,
        queue: QueueKey,
        limit: Int? = nil,
        after: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<ScheduledJobsPage> {
        try Argument.check(stackKey: stack, for: .scheduledJobs)
        try Argument.check(queue: queue, for: .scheduledJobs)
        try Argument.check(limit: limit, for: .scheduledJobs)
        try Argument.check(cursor: after, for: .scheduledJobs)
        var target = core.target(.scheduledJobs, stack: stack)
        Self.appendQuery(queue, limit: limit, after: after, to: &target.path)
        return try await core.perform(target, options: options, decode: ScheduledJobsPage.read)
    }

    /// Appends the query of a page.
    private static func appendQuery(_ queue: QueueKey, limit: Int?, after cursor: String?, to path: inout String) {
        path += "?queue_key="
        PercentEncoding.append(queue.rawValue, to: &path)
        if let limit { path += "&limit=\(limit)" }
        if let cursor {
            path += "&after="
            PercentEncoding.append(cursor, to: &path)
        }
    }
}

/// One page of a queue's scheduled jobs, oldest first.
///
/// Pages are not a snapshot: a job can appear before the cursor while the pages are read. Read the first page or a few,
/// reserve jobs, and start again.
public struct ScheduledJobsPage: Sendable, Hashable {
    /// The jobs of this page, without reserved jobs.
    public var jobs: [ScheduledJob]
    /// Whether another page follows, and its cursor.
    public var pageInfo: PageInfo
    /// The queue.
    public var clusterQueue: ClusterQueue
    /// The jobs that could not be decoded, in their order; ``jobs`` does not include them. Usually empty. A page
    /// with more than 1000 of them is an error.
    public var unreadableJobs: [UnreadableJob]

    /// A page.
    public init(
        jobs: [ScheduledJob],
        pageInfo: PageInfo = PageInfo(),
        clusterQueue: ClusterQueue = ClusterQueue(),
        unreadableJobs: [UnreadableJob] = []
    ) {
        self.jobs = jobs
        self.pageInfo = pageInfo
        self.clusterQueue = clusterQueue
        self.unreadableJobs = unreadableJobs
    }

    /// The position of a page.
    public struct PageInfo: Sendable, Hashable {
        /// Whether another page follows. If the response's value is not a boolean, whether there is a cursor.
        public var hasNextPage: Bool
        /// The cursor for the next page, an opaque text; `nil` on an empty page.
        public var endCursor: String?

        /// A position.
        public init(hasNextPage: Bool = false, endCursor: String? = nil) {
            self.hasNextPage = hasNextPage
            self.endCursor = endCursor
        }
    }

    /// The queue of a page.
    public struct ClusterQueue: Sendable, Hashable {
        /// The queue's identifier.
        public var id: ClusterQueueID?
        /// Whether dispatch is paused. A stack must then start no jobs, but should go on polling, because Buildkite
        /// shows the queue as disconnected about 30 seconds after the last poll.
        ///
        /// The documentation calls the field `dispatch_paused`, and Buildkite's Go client reads `paused`. The client
        /// reads both; one that is true is enough. A value that is not a boolean counts as true.
        public var isDispatchPaused: Bool

        /// A queue.
        public init(id: ClusterQueueID? = nil, isDispatchPaused: Bool = false) {
            self.id = id
            self.isDispatchPaused = isDispatchPaused
        }
    }
}

/// The identifier of a cluster's queue.
public typealias ClusterQueueID = Identifier<ScheduledJobsPage.ClusterQueue>

/// A job of a page that could not be decoded: its date is empty, for example, or one of its rules is null.
public struct UnreadableJob: Sendable, Hashable {
    /// Its position in the server's list, counted from 0.
    public var position: Int
    /// Its identifier, if that could be decoded.
    public var id: JobID?
    /// The invalid field, `scheduled_at` or `agent_query_rules[0]` for example; empty when the job is not an
    /// object.
    public var field: String
    /// What is wrong with it, without any value of the job.
    public var reason: String

    /// A job that could not be decoded.
    public init(position: Int, id: JobID? = nil, field: String, reason: String) {
        self.position = position
        self.id = id
        self.field = field
        self.reason = reason
    }
}

extension UnreadableJob: CustomStringConvertible {
    /// Position, field and reason on one line.
    public var description: String {
        "jobs[\(position)]\(field.isEmpty ? "" : ".\(field)"): \(reason)"
    }
}
