import Logging
import StacksAPI

extension ControllerMachine {
    /// What is being read of the list, page after page, and what was in it the last time.
    struct Reading {
        /// Where the next page begins; `nil` for the first.
        var cursor: String?
        /// How many pages have been read since the list was begun.
        var pages = 0
        /// The limit of the page that is being read.
        var limit = 0
        /// When each job was listed last; one that is not here is new. Forgotten some time after that.
        var known: [JobID: Duration] = [:]
        var nextForgetting = Duration.zero
        /// Whether the last page showed any job that could be started, and any job at all.
        var foundSuiting = false
        var foundAny = false
    }

    /// The most pages that are read before the list is begun again.
    private static let maximumPages = 20

    /// How long a job is known that is not listed any more.
    private static let memory = Duration.seconds(600)

    /// The shortest time between two polls when something is known to wait: half the rate that Buildkite allows.
    private static let shortestPollInterval = Duration.milliseconds(200)

    var freeSlots: Int { max(0, configuration.maximumInFlight - ledger.occupied) }

    var wantsPoll: Bool { phase == .running && !needsRegistration }

    mutating func pollIfDue(at now: Duration) {
        guard wantsPoll, !polling.isInFlight else { return }
        // A slot is free, and the last poll, made while none was, showed that something waits.
        if freeSlots > 0, reading.limit == 1, reading.foundSuiting, !isPaused, polling.failures == 0, let lastPoll {
            polling.due = min(polling.due, lastPoll + Self.shortestPollInterval)
        }
        guard polling.isDue(at: now) else { return }
        let isIdle = !configuration.isDryRun && (isPaused || freeSlots == 0)
        // While nothing can be started one job is asked for, only to be seen as connected. Otherwise a page is some
        // times longer than there are slots, so that the best can be chosen from it.
        let limit = isIdle ? 1 : configuration.isDryRun ? 1000 : min(1000, max(100, freeSlots * 4))
        if isIdle { reading.cursor = nil }
        reading.limit = limit
        polling.isInFlight = true
        actions.append(.poll(limit: limit, after: reading.cursor))
    }

    mutating func polled(_ result: Result<ScheduledJobsPage, CallFailure>, at now: Duration) {
        switch result {
        case .success(let page):
            lastPoll = now
            vanishings = 0
            clearFailure(of: "poll")
            guard phase == .running else { return polling.succeeded(next: now) }
            let hasMore = read(page, at: now)
            let interval = configuration.pollInterval * jitter.next(in: 0.9..<1.1)
            // Some pages at once, the others at a rate that leaves room below Buildkite's limit of ten a second.
            let pause = reading.pages < 5 ? Duration.zero : Self.shortestPollInterval
            polling.succeeded(next: now + (hasMore ? pause : interval))
            if !hasMore { finishReading(at: now) }
        case .failure(let failure):
            // What the pages before have shown stays; the list is begun again.
            reading.cursor = nil
            reading.pages = 0
            polling.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter)
            if failure.kind == .notFound { return stackVanished(failure, at: now) }
            note(failure, of: "poll", at: now)
        }
    }

    /// Takes down a page, and returns whether the next one is to be read at once.
    private mutating func read(_ page: ScheduledJobsPage, at now: Duration) -> Bool {
        if page.clusterQueue.isDispatchPaused != isPaused {
            isPaused = page.clusterQueue.isDispatchPaused
            log(.notice, isPaused ? "The queue is paused: nothing is started" : "The queue is no longer paused")
        }
        if reading.cursor == nil { beginReading(at: now) }
        reading.pages += 1
        for job in page.jobs { read(job, at: now) }
        if isPaused { backlog = [] }
        sortBacklog()

        let wantsMore = !isPaused && reading.limit > 1 && (configuration.isDryRun || backlog.count < freeSlots)
        guard phase == .running, wantsMore, reading.pages < Self.maximumPages, page.pageInfo.hasNextPage,
            let cursor = page.pageInfo.endCursor, cursor != reading.cursor
        else {
            reading.cursor = nil
            return false
        }
        reading.cursor = cursor
        return true
    }

    private mutating func beginReading(at now: Duration) {
        reading.pages = 0
        reading.foundSuiting = false
        reading.foundAny = false
        backlog = []
        cooling = cooling.filter { $0.value > now }
        guard now >= reading.nextForgetting else { return }
        reading.nextForgetting = now + Self.memory
        reading.known = reading.known.filter { $0.value + Self.memory > now }
    }

    private mutating func read(_ job: ScheduledJob, at now: Duration) {
        reading.foundAny = true
        let isNew = reading.known.updateValue(now, forKey: job.id) == nil
        if isNew { totals.seen += 1 }
        switch matcher.verdict(on: job.agentQueryRules) {
        case .suits:
            guard !ledger.contains(job.id), cooling[job.id].map({ $0 <= now }) ?? true else { return }
            reading.foundSuiting = true
            if configuration.isDryRun, isNew { log(.notice, "Would start this job", job.id) }
            if !isPaused { backlog.append(job) }
        case .unmatched(let rule):
            guard isNew else { return }
            totals.unmatched += 1
            log(.info, "The job does not suit this stack: \(rule) is not matched by its tags", job.id)
        case .invalid(let rule):
            guard isNew else { return }
            totals.unmatched += 1
            log(.warning, "The job is skipped: its rule \(rule) is not of the form key=value", job.id)
        }
    }

    /// By priority, then by age. The list comes oldest first and sorting keeps the order of equals.
    private mutating func sortBacklog() {
        backlog.sort { $0.priority > $1.priority }
    }

    /// The list was read to its end, or as far as there is use for it.
    private mutating func finishReading(at now: Duration) {
        guard configuration.mode == .untilIdle, phase == .running else { return }
        if isPaused { return drain("The queue is paused", at: now) }
        if configuration.isDryRun { return drain("The dry run is over", at: now) }
        guard reading.limit > 1, !reading.foundSuiting, backlog.isEmpty, uncertain.isEmpty, ledger.reserving == 0,
            ledger.waiting.isEmpty, !issuing.isInFlight
        else { return }
        drain(reading.foundAny ? "Nothing that suits is scheduled" : "Nothing is scheduled", at: now)
    }

    /// The stack is not known any more: it is registered again, and when that does not help the queue is gone.
    private mutating func stackVanished(_ failure: CallFailure, at now: Duration) {
        vanishings += 1
        guard vanishings < 3 else { return stop(Self.queueNotFound(configuration, failure), at: now) }
        log(.warning, "Buildkite does not know the stack: \(failure.message). Registering it again")
        needsRegistration = true
    }
}
