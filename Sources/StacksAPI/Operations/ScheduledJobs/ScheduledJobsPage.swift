/// One page of a queue's scheduled jobs, oldest first.
///
/// Pages are no snapshot: a job can appear behind the cursor while the pages are read. Read the first one or few,
/// reserve, and read again.
public struct ScheduledJobsPage: Sendable, Hashable {
    /// The jobs of this page. Reserved jobs are not among them.
    public var jobs: [ScheduledJob]
    /// Whether there are more, and where they begin.
    public var pageInfo: PageInfo
    /// The queue that was asked about.
    public var clusterQueue: ClusterQueue
    /// The jobs that the server sent and that could not be read, in their order: they are not among ``jobs``. Empty as a
    /// rule. A page with more than 1000 of them is refused as a whole.
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

    /// Where a page stands among the others.
    public struct PageInfo: Sendable, Hashable {
        /// Whether another page follows.
        public var hasNextPage: Bool
        /// What to ask the next page with; opaque. `nil` on an empty page.
        public var endCursor: String?

        /// A place among the pages.
        public init(hasNextPage: Bool = false, endCursor: String? = nil) {
            self.hasNextPage = hasNextPage
            self.endCursor = endCursor
        }
    }

    /// What is told of the queue.
    public struct ClusterQueue: Sendable, Hashable {
        /// The queue's identifier.
        public var id: ClusterQueueID?
        /// Whether dispatch is paused: a stack must not start jobs meanwhile, but should go on polling, because the
        /// queue shows as disconnected about 30 seconds after the last poll.
        ///
        /// The documentation calls the field `dispatch_paused` and Buildkite's Go client reads `paused`; either one
        /// is understood, and true wins.
        public var isDispatchPaused: Bool

        /// A queue.
        public init(id: ClusterQueueID? = nil, isDispatchPaused: Bool = false) {
            self.id = id
            self.isDispatchPaused = isDispatchPaused
        }
    }
}

/// A job of a page that could not be read, and was left out: its date is empty, for example, or one of its rules null.
public struct UnreadableJob: Sendable, Hashable {
    /// Where it stands in the list that the server sent, counted from 0.
    public var position: Int
    /// Its identifier, as far as that could be read.
    public var id: JobID?
    /// The field that is not what it should be, `scheduled_at` or `agent_query_rules[0]` for example; empty when the job
    /// is no object at all.
    public var field: String
    /// What is wrong with it, in words, without any value of the job.
    public var reason: String

    /// A job that could not be read.
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
