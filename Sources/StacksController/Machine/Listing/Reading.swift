import Logging
import StacksAPI

/// What is being read of the list, page after page, and what was in it the last time.
struct Reading {
    /// Against a server whose list has no end.
    private static let maximumPages = 1000

    /// How often in a row a page after the first is asked for that Buildkite refuses.
    private static let maximumRefusals = 3

    /// How long the depth of the list is read before its head is read again: jobs can appear behind the cursor.
    private static let headInterval = Duration.seconds(10)

    /// How long a job is remembered that is no longer listed.
    private static let memory = Duration.seconds(600)

    /// Where the next page begins; `nil` for the first.
    private(set) var cursor: String?
    /// Where reading goes on once the head of the list has been read again.
    private var resume: String?
    /// When the head of the list was read last.
    private var headReadAt: Duration = .zero
    /// When the head of the list was requested last.
    private(set) var headSentAt: Duration = .zero
    /// How many pages have been read since the list was begun, with those that were read again.
    private(set) var pages = 0
    /// When the list was begun.
    private var begunAt: Duration = .zero
    /// When the last poll was sent.
    private(set) var sentAt: Duration = .zero
    /// The limit of the page that is being read.
    private(set) var limit = 0
    /// Where the list ended when it was read to its end, if it is longer than a page.
    private var tail: ListTail?
    /// Whether the page that is being read is its tail.
    private(set) var isOfTail = false
    /// How often in a row Buildkite has refused the request for a page after the first.
    private var refusals = 0
    /// How many pages in a row have shown nothing that the same reading had not shown before.
    private var barrenPages = 0
    /// Whether the log says that the list cannot be read to its end.
    private var hasWarnedOfCursors = false
    /// When each job was listed first and last; one that is not here is new. Forgotten some time after that.
    private var known: [JobID: (first: Duration, last: Duration)] = [:]
    /// When each job that cannot be read was listed last, by its ID or, where that is not known, by what is wrong.
    private var unreadable: [String: Duration] = [:]
    private var nextForgetting = Duration.zero
    /// Whether the list showed any job at all, as far as it has been read.
    private(set) var foundAny = false
    /// Whether it showed one that matches and can be started.
    var foundMatching = false
    /// Whether it showed one that matches and is left alone for a while.
    var foundCooling = false

    /// When the job was listed first, if it is known.
    func firstListed(_ id: JobID) -> Duration? { known[id]?.first }

    /// A page is requested.
    mutating func asks(limit: Int, at now: Duration) {
        self.limit = limit
        sentAt = now
        if cursor == nil { headSentAt = now }
    }

    /// The next page is the first one.
    mutating func startOver() { (cursor, resume, tail, isOfTail) = (nil, nil, nil, false) }

    /// The next page is the tail of the list, where new jobs come, if the whole list was read not long ago.
    mutating func goesToTail(at now: Duration) {
        guard cursor == nil, resume == nil, let next = tail?.nextCursor(at: now) else { return }
        (cursor, isOfTail, barrenPages) = (next, true, 0)
    }

    /// A page could not be read. What the pages before have shown stays: the head is read again, and then it goes on from
    /// here, unless it may be the cursor that is not accepted.
    mutating func failed(isRejected: Bool) {
        if isRejected, cursor != nil { refusals += 1 }
        resume = isRejected || isOfTail ? nil : cursor ?? resume
        (cursor, tail, isOfTail) = (nil, nil, false)
    }

    /// Begins a page, and returns whether it is the head of the list.
    mutating func begin(_ page: ScheduledJobsPage, at now: Duration) -> Bool {
        let isHead = cursor == nil
        if isHead { beginHead(at: now) }
        // A job that came to the tail and was taken is not there any more.
        if isOfTail, pages == 0 { foundMatching = false }
        pages += 1
        let isBarren =
            !isHead && page.unreadableJobs.isEmpty
            && page.jobs.allSatisfy { (known[$0.id]?.last ?? .seconds(-1)) >= begunAt }
        barrenPages = isBarren ? barrenPages + 1 : 0
        return isHead
    }

    private mutating func beginHead(at now: Duration) {
        headReadAt = now
        if resume == nil {
            (begunAt, pages) = (now, 0)
            (foundAny, foundMatching, foundCooling) = (false, false, false)
        }
        guard now >= nextForgetting else { return }
        nextForgetting = now + Self.memory
        known = known.filter { $0.value.last + Self.memory > now }
        unreadable = unreadable.filter { $0.value + Self.memory > now }
    }

    /// Records that a job is listed, and returns whether it is new.
    mutating func lists(_ id: JobID, at now: Duration) -> Bool {
        foundAny = true
        let isNew = known[id] == nil
        known[id, default: (now, now)].last = now
        return isNew
    }

    /// The same of a job that cannot be read, by its ID or by what is wrong.
    mutating func listsUnreadable(_ name: String, at now: Duration) -> Bool {
        foundAny = true
        return unreadable.updateValue(now, forKey: name) == nil
    }

    /// The page has been read. Returns whether the next one is to be read too: there is one, and `wantsMore`.
    mutating func end(
        _ info: ScheduledJobsPage.PageInfo, isHead: Bool, wantsMore: Bool, _ shared: inout SharedState
    ) -> Bool {
        var next = nextCursor(info, &shared)
        if isHead, next != nil, let resume { next = resume }
        resume = nil
        if !isHead { refusals = 0 }
        if wantsMore, next != nil, refusals >= Self.maximumRefusals {
            // For this once. It is tried again with the next reading.
            (next, refusals) = (nil, 0)
            shared.log(.warning, "Buildkite refuses to list what follows the first page: it is not seen")
        }
        guard wantsMore, let next else {
            (cursor, pages, isOfTail) = (nil, 0, false)
            return false
        }
        cursor = next
        if !isHead, shared.now - headReadAt >= Self.headInterval { (cursor, resume, isOfTail) = (nil, next, false) }
        return true
    }

    /// Notes where the list ends, when its last page has been read.
    mutating func noteTail(_ page: ScheduledJobsPage, at now: Duration) {
        guard !page.pageInfo.hasNextPage, let cursor else {
            if !isOfTail { tail = nil }
            return
        }
        if isOfTail {
            tail?.read(page, after: cursor, at: now)
        } else {
            tail = ListTail(page, after: cursor, pages: pages, at: now)
        }
    }

    /// Where the next page begins. That a list cannot be read to its end is logged once.
    private mutating func nextCursor(_ info: ScheduledJobsPage.PageInfo, _ shared: inout SharedState) -> String? {
        guard info.hasNextPage else {
            hasWarnedOfCursors = false
            return nil
        }
        let problem: String
        if let next = info.endCursor, !next.isEmpty {
            let isNew = next != cursor && barrenPages < ScheduledJobPages.maximumBarrenPages
            if isNew, pages < Self.maximumPages { return next }
            problem = isNew ? "it has more than \(Self.maximumPages) pages" : "its pages lead to nothing new"
        } else {
            problem = "there is no cursor to ask for the next page with"
        }
        if !hasWarnedOfCursors {
            hasWarnedOfCursors = true
            shared.log(
                .warning, "The list says that more jobs follow, and \(problem): what may be behind it is not seen")
        }
        return nil
    }
}
