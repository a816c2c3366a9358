extension StacksClient {
    /// All pages of the jobs that are ready to run on a queue.
    ///
    /// The pages are not a snapshot. A controller should read the first page or a few, reserve jobs, and start again.
    ///
    /// - Parameters:
    ///   - stack: The stack's key.
    ///   - queue: The queue.
    ///   - pageSize: The most jobs of a page, 1 to 1000.
    ///   - pageLimit: The most pages to read; all when left out.
    ///   - options: Options of these calls; a timeout applies to each page.
    /// - Returns: A sequence that requests each page when it is iterated, and throws what
    ///   ``scheduledJobs(stack:queue:limit:after:options:)`` throws. Pages before a failure remain valid.
    public func allScheduledJobs(
        stack: String,
        queue: QueueKey,
        pageSize: Int = 1000,
        pageLimit: Int? = nil,
        options: CallOptions = CallOptions()
    ) -> ScheduledJobPages {
        ScheduledJobPages(
            client: self, stack: stack, queue: queue, pageSize: pageSize, pageLimit: pageLimit, options: options)
    }
}

/// The pages of a queue's scheduled jobs, requested one at a time during iteration.
///
/// The sequence ends after the last page or the page limit. It throws when a page says that more follow but has no
/// cursor, and when the pages would never end: when the server returns a cursor a second time, or
/// ``maximumBarrenPages`` pages in a row without a new job.
public struct ScheduledJobPages: AsyncSequence, Sendable {
    /// The response with one page.
    public typealias Element = StacksResponse<ScheduledJobsPage>

    /// After how many pages in a row without a new job the sequence throws. One or two are possible, because the
    /// list is not a snapshot.
    public static let maximumBarrenPages = 10

    let client: StacksClient
    let stack: String
    let queue: QueueKey
    let pageSize: Int
    let pageLimit: Int?
    let options: CallOptions

    /// An iterator that starts at the first page.
    public func makeAsyncIterator() -> Iterator { Iterator(pages: self) }

    /// Requests the pages in order.
    public struct Iterator: AsyncIteratorProtocol {
        private let pages: ScheduledJobPages
        private var position = PagePosition.first
        private var seen: Set<String> = []
        private var jobs: Set<JobID> = []
        private var barrenPages = 0
        private var count = 0

        init(pages: ScheduledJobPages) { self.pages = pages }

        /// Requests the next page.
        ///
        /// - Returns: The page; `nil` after the last one.
        /// - Throws: ``StacksAPIError`` of the call, or with ``StacksAPIError/Code/decoding`` when the pages cannot be
        ///   continued or do not end. After a failed call, the next one requests the same page.
        public mutating func next() async throws -> Element? {
            if let limit = pages.pageLimit {
                try Argument.check(pageLimit: limit, for: .scheduledJobs)
                if count >= limit { return nil }
            }
            let cursor: String?
            switch position {
            case .first: cursor = nil
            case .after(let endCursor): cursor = endCursor
            case .lost(let reason):
                throw StacksAPIError(code: .decoding, operation: .scheduledJobs, message: reason)
            case .end: return nil
            }
            // A failed call leaves the position unchanged, so that the next one requests the same page.
            let page = try await pages.client.scheduledJobs(
                stack: pages.stack, queue: pages.queue, limit: pages.pageSize, after: cursor, options: pages.options)
            count += 1
            position = nextPosition(after: page.value)
            return page
        }

        private mutating func nextPosition(after page: ScheduledJobsPage) -> PagePosition {
            guard page.pageInfo.hasNextPage else { return .end }
            guard let cursor = page.pageInfo.endCursor, !cursor.isEmpty else {
                return .lost("The server says that another page follows and gives no cursor for it.")
            }
            var isBarren = true
            for job in page.jobs where jobs.insert(job.id).inserted { isBarren = false }
            for job in page.unreadableJobs where job.id.map({ jobs.insert($0).inserted }) ?? false { isBarren = false }
            barrenPages = isBarren ? barrenPages + 1 : 0
            guard seen.insert(cursor).inserted else {
                return .lost("The server gave the cursor \"\(cursor.prefix(64))\" a second time: its pages do not end.")
            }
            guard barrenPages < maximumBarrenPages else {
                return .lost(
                    "The last \(barrenPages) pages show no job that was not shown before, and the server says that "
                        + "more follow: its pages do not end.")
            }
            return .after(cursor)
        }
    }

    private enum PagePosition {
        case first
        case after(String)
        /// More pages follow, but they cannot be requested or do not end.
        case lost(String)
        case end
    }
}
