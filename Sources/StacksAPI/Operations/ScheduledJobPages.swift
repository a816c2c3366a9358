/// The pages of a queue's scheduled jobs, read one at a time when asked for.
///
/// It ends after the last page, after a page without a cursor, and after the page limit. A cursor that the server gives
/// a second time is an error, because the pages would never end.
public struct ScheduledJobPages: AsyncSequence, Sendable {
    /// One page, with what the server said beside it.
    public typealias Element = StacksResponse<ScheduledJobsPage>

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
        private var count = 0

        init(pages: ScheduledJobPages) { self.pages = pages }

        /// Asks for the next page.
        ///
        /// - Returns: The page, or `nil` after the last one.
        /// - Throws: ``StacksAPIError`` as the call does that reads the page, and with ``StacksAPIError/Code/decoding``
        ///   when the server gives a cursor a second time. After a failure the same page is asked for again.
        public mutating func next() async throws -> Element? {
            if let limit = pages.pageLimit {
                try Argument.check(pageLimit: limit, for: .scheduledJobs)
                if count >= limit { return nil }
            }
            let cursor: String?
            switch position {
            case .first: cursor = nil
            case .after(let endCursor): cursor = endCursor
            case .repeated(let endCursor):
                throw StacksAPIError(
                    code: .decoding,
                    operation: .scheduledJobs,
                    message: "The server gave the cursor \"\(endCursor)\" a second time: its pages do not end."
                )
            case .end: return nil
            }
            // A failed page leaves the position where it was, so that asking again tries the same page.
            let page = try await pages.client.scheduledJobs(
                stack: pages.stack, queue: pages.queue, limit: pages.pageSize, after: cursor, options: pages.options)
            count += 1
            position = nextPosition(after: page.value.pageInfo)
            return page
        }

        private mutating func nextPosition(after info: ScheduledJobsPage.PageInfo) -> PagePosition {
            guard info.hasNextPage, let cursor = info.endCursor, !cursor.isEmpty else { return .end }
            return seen.insert(cursor).inserted ? .after(cursor) : .repeated(cursor)
        }
    }

    private enum PagePosition {
        case first
        case after(String)
        case repeated(String)
        case end
    }
}
