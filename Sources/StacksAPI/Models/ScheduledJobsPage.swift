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
