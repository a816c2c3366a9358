/// The pages of a queue's scheduled jobs, read one at a time when asked for.
///
/// It ends after the last page and after the page limit. It is an error, after the pages that were read, when a page says
/// that more follow and gives no cursor, and when the pages would never end: a cursor that the server gives a second time,
/// or ``maximumBarrenPages`` pages in a row without a job that is new.
public struct ScheduledJobPages: AsyncSequence, Sendable {
    /// One page, with what the server said beside it.
    public typealias Element = StacksResponse<ScheduledJobsPage>

    /// After how many pages in a row that show no job that was not shown before it ends with an error. One or two can be
    /// so because the list is no snapshot.
    public static let maximumBarrenPages = 10

    let client: StacksClient
    let stack: String
    let queue: QueueKey
    let pageSize: Int
    let pageLimit: Int?
    let options: CallOptions

    /// Starts at the first page.
    public func makeAsyncIterator() -> Iterator { Iterator(pages: self) }

    /// Reads the pages in order.
    public struct Iterator: AsyncIteratorProtocol {
        private let pages: ScheduledJobPages
        private var position = PagePosition.first
        private var seen: Set<String> = []
        private var jobs: Set<JobID> = []
        private var barrenPages = 0
        private var count = 0

        init(pages: ScheduledJobPages) { self.pages = pages }

        /// Asks for the next page.
        ///
        /// - Returns: The page, or `nil` after the last one.
        /// - Throws: ``StacksAPIError`` as the call does that reads the page, and with ``StacksAPIError/Code/decoding``
        ///   when there is no way on or no end. After a failure of a call the same page is asked for again.
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
            // A failed page leaves the position where it was, so that asking again tries the same page.
            let page = try await pages.client.scheduledJobs(
                stack: pages.stack, queue: pages.queue, limit: pages.pageSize, after: cursor, options: pages.options)
            count += 1
            position = nextPosition(after: page.value)
            return page
        }

        private mutating func nextPosition(after page: ScheduledJobsPage) -> PagePosition {
            guard page.pageInfo.hasNextPage else { return .end }
            guard let cursor = page.pageInfo.endCursor, !cursor.isEmpty else {
                return .lost("The server says that another page follows and gives no cursor to ask for it with.")
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
                    "The last \(barrenPages) pages show no job that was not shown before, and the server says that more "
                        + "follow: its pages do not end.")
            }
            return .after(cursor)
        }
    }

    private enum PagePosition {
        case first
        case after(String)
        /// More follow, and there is no way to them, or no end of them.
        case lost(String)
        case end
    }
}
