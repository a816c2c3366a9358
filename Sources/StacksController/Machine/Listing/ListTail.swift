import StacksAPI

/// The end of a list that was read whole, where new jobs come.
///
/// A list of very many jobs that do not match is read again from its head only now and then. In between its tail is read: what
/// follows the last cursor. Where a cursor is a number of jobs, the list moves under it, so the last page is read again from
/// time to time, and must begin with the same job.
struct ListTail {
    /// For each page of the list, how long it is before it is read again: jobs of others that are scheduled again are in its midst.
    private static let timeForPage = Duration.seconds(3)
    private static let sweepInterval = Duration.seconds(10)...Duration.seconds(300)

    /// How often it is checked whether the list has moved.
    private static let checkInterval = Duration.seconds(10)

    /// Where the last page that has jobs begins, and with which job.
    private var start: String
    private var first: JobID
    /// What follows the last job, if the server says so.
    private var end: String?
    private var nextCheck: Duration
    private let nextSweep: Duration
    private var isMoved = false

    /// - Parameters:
    ///   - page: The last page of a list.
    ///   - cursor: Where it begins.
    ///   - pages: How many pages the list has.
    /// - Returns: `nil` when the page has no job to recognize it by.
    init?(_ page: ScheduledJobsPage, after cursor: String, pages: Int, at now: Duration) {
        guard let first = page.jobs.first?.id else { return nil }
        let interval = Self.timeForPage * pages
        nextSweep = now + min(max(interval, Self.sweepInterval.lowerBound), Self.sweepInterval.upperBound)
        nextCheck = now + Self.checkInterval
        (start, self.first, end) = (cursor, first, page.pageInfo.endCursor)
    }

    /// Where to read on; `nil` when the whole list is to be read.
    func nextCursor(at now: Duration) -> String? {
        guard !isMoved, now < nextSweep else { return nil }
        guard let end, !end.isEmpty, now < nextCheck else { return start }
        return end
    }

    /// Records what was read of it, after one of its cursors.
    mutating func read(_ page: ScheduledJobsPage, after cursor: String, at now: Duration) {
        if cursor == start {
            isMoved = page.jobs.first?.id != first
            nextCheck = now + Self.checkInterval
        } else if let job = page.jobs.first {
            (start, first) = (cursor, job.id)
        }
        if !page.jobs.isEmpty { end = page.pageInfo.endCursor }
    }
}
