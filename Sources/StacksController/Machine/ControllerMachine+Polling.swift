import Logging
import StacksAPI

extension ControllerMachine {
    /// What is being read of the list, page after page, and what was in it the last time.
    struct Reading {
        /// Where the next page begins; `nil` for the first.
        var cursor: String?
        /// Where reading goes on once the head of the list has been looked at again.
        var resume: String?
        /// When the head of the list was read last.
        var headReadAt: Duration = .zero
        /// How many pages have been read since the list was begun.
        var pages = 0
        /// When the list was begun.
        var begunAt: Duration = .zero
        /// When the last poll was sent.
        var sentAt: Duration = .zero
        /// How many pages in a row have shown nothing that the same reading had not shown before.
        var barrenPages = 0
        /// Whether it was said that the list cannot be read to its end.
        var hasWarnedOfCursors = false
        /// The limit of the page that is being read.
        var limit = 0
        /// When each job was listed first and last; one that is not here is new. Forgotten some time after that.
        var known: [JobID: (first: Duration, last: Duration)] = [:]
        /// When each job that cannot be read was listed last, by its ID or, where that is not known, by what is wrong.
        var unreadable: [String: Duration] = [:]
        var nextForgetting = Duration.zero
        /// Whether the list showed any job that could be started, and any job at all, as far as it has been read.
        var foundSuiting = false
        var foundAny = false
        /// Whether it showed a job that suits, and that is left alone for a while.
        var foundCooling = false
        /// When the head of the list was asked for.
        var headSentAt: Duration = .zero
    }

    /// Against a server whose list has no end.
    private static let maximumPages = 1000

    /// How many of a page's unreadable jobs are named, the first time; the others are counted.
    private static let maximumNamed = 100

    /// How many pages are read without a pause.
    private static let pagesAtOnce = 5

    /// How long the depth of the list is read before its head is looked at again: jobs can appear behind the cursor.
    private static let headInterval = Duration.seconds(10)

    /// How long a job is known that is not listed any more.
    private static let memory = Duration.seconds(600)

    /// The shortest time between two polls when something is known to wait: half the rate that Buildkite allows.
    private static let shortestPollInterval = Duration.milliseconds(200)

    /// Without a poll for this long Buildkite shows the queue as disconnected.
    static let connectedFor = Duration.seconds(30)

    var freeSlots: Int { min(startableJobs, max(0, configuration.maximumInFlight - ledger.occupied)) }

    var wantsPoll: Bool { phase == .running && !needsRegistration }

    mutating func pollIfDue(at now: Duration) {
        guard wantsPoll, !polling.isInFlight else { return }
        // A slot is free, and the last poll, made while none was, showed that something waits.
        if freeSlots > 0, reading.limit == 1, reading.foundSuiting, !isPaused, polling.failures == 0, let lastPoll {
            polling.due = min(polling.due, lastPoll + Self.shortestPollInterval)
        }
        guard polling.isDue(at: now) else { return }
        let isIdle = !configuration.isDryRun && (isPaused || freeSlots == 0)
        if isIdle { (reading.cursor, reading.resume) = (nil, nil) }
        reading.limit = isIdle ? 1 : pageLimit
        reading.sentAt = now
        if reading.cursor == nil { reading.headSentAt = now }
        polling.isInFlight = true
        actions.append(.request(.poll(limit: reading.limit, after: reading.cursor)))
    }

    /// While nothing can be started one job is asked for, only to be seen as connected. Otherwise the first page is
    /// some times longer than there are slots, so that the best can be chosen from it; where that was not enough, the
    /// pages after it are as long as they may be.
    private var pageLimit: Int {
        let isDeep = reading.cursor != nil || configuration.isDryRun
        return isDeep ? Self.maximumBatch : min(Self.maximumBatch, max(100, min(freeSlots, Self.maximumBatch) * 4))
    }

    mutating func polled(_ result: Result<ScheduledJobsPage, CallFailure>, at now: Duration) {
        switch result {
        case .success(let page):
            lastPoll = now
            vanishings = 0
            clearFailure(of: .poll)
            if let since = silentSince {
                log(.notice, "Polls succeed again, after \((now - since).formattedSeconds) s")
                silentSince = nil
            }
            guard phase == .running else { return polling.succeeded(next: now) }
            stackIsKnown(at: now)
            noteQueue(page.clusterQueue, at: now)
            let hasMore = read(page, at: now)
            let interval = configuration.pollInterval * jitter.next(in: 0.9..<1.1)
            // Some pages at once, the others at a rate that leaves room below Buildkite's limit of ten a second.
            let pause = reading.pages < Self.pagesAtOnce ? Duration.zero : Self.shortestPollInterval
            polling.succeeded(next: now + (hasMore ? pause : interval))
            if !hasMore { finishReading(at: now) }
        case .failure(let failure):
            // What the pages before have shown stays. The head is read again, and then it goes on from here, unless
            // it may be the cursor that is not accepted.
            reading.resume = failure.kind == .rejected ? nil : reading.cursor ?? reading.resume
            reading.cursor = nil
            polling.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter)
            if failure.kind == .notFound { return stackVanished(failure, at: now) }
            note(failure, of: .poll, at: now)
        }
    }

    private mutating func noteQueue(_ queue: ScheduledJobsPage.ClusterQueue, at now: Duration) {
        if queue.isDispatchPaused != isPaused {
            isPaused = queue.isDispatchPaused
            log(.notice, isPaused ? "The queue is paused: nothing is started" : "The queue is no longer paused")
        }
        guard let id = queue.id else { return stackIsAsRegistered() }
        guard let known = queueID, known != id else {
            queueID = id
            return stackIsAsRegistered()
        }
        registerAgain(nil, at: now)
        // What is left alone for now is looked at again by the next poll.
        guard needsRegistration else { return }
        log(.warning, "The list is that of another queue than before: registering the stack again")
        // The next page is that of the queue that it serves then.
        queueID = nil
    }

    /// Takes down a page, and returns whether the next one is to be read at once.
    private mutating func read(_ page: ScheduledJobsPage, at now: Duration) -> Bool {
        let isHead = reading.cursor == nil
        if isHead { beginReading(at: now) }
        reading.pages += 1
        var suiting: [ScheduledJob] = []
        let isBarren =
            !isHead && page.unreadableJobs.isEmpty
            && page.jobs.allSatisfy { (reading.known[$0.id]?.last ?? .seconds(-1)) >= reading.begunAt }
        reading.barrenPages = isBarren ? reading.barrenPages + 1 : 0
        for job in page.jobs where read(job, at: now) { suiting.append(job) }
        skipUnreadable(page.unreadableJobs, at: now)
        backlog.add(suiting)
        if reading.limit > 1 {
            backlog.counted(isWhole: !page.pageInfo.hasNextPage, at: now)
        } else {
            backlog.glanced(nothingFollows: !page.pageInfo.hasNextPage, at: now)
        }
        // The jobs of a paused queue are counted, and none of them may be reserved.
        if isPaused { backlog.setAside() }

        let wantsMore = !isPaused && reading.limit > 1 && (configuration.isDryRun || backlog.count < freeSlots)
        var next = nextCursor(page.pageInfo)
        if isHead, next != nil, let resume = reading.resume { next = resume }
        reading.resume = nil
        guard phase == .running, wantsMore, let next else {
            reading.cursor = nil
            reading.pages = 0
            return false
        }
        reading.cursor = next
        if !isHead, now - reading.headReadAt >= Self.headInterval { (reading.cursor, reading.resume) = (nil, next) }
        return true
    }

    /// Where the next page begins. A list that cannot be read to its end is said to be one, once.
    private mutating func nextCursor(_ info: ScheduledJobsPage.PageInfo) -> String? {
        guard info.hasNextPage else {
            reading.hasWarnedOfCursors = false
            return nil
        }
        let problem: String
        if let cursor = info.endCursor, !cursor.isEmpty {
            let isNew = cursor != reading.cursor && reading.barrenPages < ScheduledJobPages.maximumBarrenPages
            if isNew, reading.pages < Self.maximumPages { return cursor }
            problem = isNew ? "it has more than \(Self.maximumPages) pages" : "its pages lead to nothing new"
        } else {
            problem = "there is no cursor to ask for the next page with"
        }
        if !reading.hasWarnedOfCursors {
            reading.hasWarnedOfCursors = true
            log(.warning, "The list says that more jobs follow, and \(problem): what may be behind it is not seen")
        }
        return nil
    }

    private mutating func beginReading(at now: Duration) {
        reading.headReadAt = now
        if reading.limit > 1 { backlog.removeAll() } else { backlog.setAside() }
        if reading.resume == nil {
            reading.begunAt = now
            reading.pages = 0
            reading.foundSuiting = false
            reading.foundAny = false
            reading.foundCooling = false
        }
        cooling = cooling.filter { $0.value.until > now }
        guard now >= reading.nextForgetting else { return }
        reading.nextForgetting = now + Self.memory
        reading.known = reading.known.filter { $0.value.last + Self.memory > now }
        reading.unreadable = reading.unreadable.filter { $0.value + Self.memory > now }
    }

    /// Takes down listed jobs that cannot be read. Each is said to be skipped once.
    private mutating func skipUnreadable(_ jobs: [UnreadableJob], at now: Duration) {
        var news = 0
        for job in jobs {
            reading.foundAny = true
            let what = "\(job.field.isEmpty ? "" : "its field \(job.field): ")\(job.reason)"
            guard reading.unreadable.updateValue(now, forKey: job.id?.description ?? what) == nil else { continue }
            totals.seen += 1
            totals.unreadable += 1
            news += 1
            if news <= Self.maximumNamed {
                log(.warning, "The job is skipped, because it cannot be read: \(what)", job.id)
            }
        }
        guard news > Self.maximumNamed else { return }
        log(.warning, "\(news - Self.maximumNamed) more jobs of this page are skipped, because they cannot be read")
    }

    /// Takes down a listed job, and returns whether it can be reserved.
    private mutating func read(_ job: ScheduledJob, at now: Duration) -> Bool {
        reading.foundAny = true
        let isNew = reading.known[job.id] == nil
        reading.known[job.id, default: (now, now)].last = now
        if isNew { totals.seen += 1 }
        switch matcher.verdict(on: job.agentQueryRules) {
        case .suits:
            guard canTake(job.id, at: now) else {
                if isWorthWaiting(for: job.id, at: now) { reading.foundCooling = true }
                return false
            }
            reading.foundSuiting = true
            if configuration.isDryRun, isNew {
                totals.suiting += 1
                log(.notice, "Would start this job, of priority \(job.priority)", job.id)
            }
            return true
        case .unmatched(let rule):
            guard isNew else { return false }
            totals.unmatched += 1
            unmatchedRules.note(rule, of: job.id)
            return false
        case .invalid(let rule):
            guard isNew else { return false }
            totals.unmatched += 1
            unmatchedRules.note(rule, isInvalid: true, of: job.id)
            return false
        }
    }

    /// The list was read to its end, or as far as there is use for it.
    private mutating func finishReading(at now: Duration) {
        for line in unmatchedRules.lines(at: now) { log(line.level, line.message, line.job) }
        if configuration.isDryRun, !isPaused, backlog.count != saidOfDryRun {
            saidOfDryRun = backlog.count
            let started = min(backlog.count, freeSlots)
            log(
                .notice,
                "\(backlog.count) scheduled jobs suit: \(started) would be started now, "
                    + "\(backlog.count - started) would wait for a slot"
            )
        }
        guard configuration.mode == .untilIdle, phase == .running else { return }
        if isPaused { return drain("The queue is paused", at: now) }
        if configuration.isDryRun { return drain("The dry run is over", at: now) }
        guard isIdle(at: now) else { return }
        drain(reading.foundAny ? "Nothing that suits is scheduled" : "Nothing is scheduled", at: now)
    }

    /// Whether nothing is left to be started: neither on the list nor here, nor on the way back to the list.
    private func isIdle(at now: Duration) -> Bool {
        guard reading.limit > 1, !reading.foundSuiting, backlog.isEmpty, uncertain.isEmpty, ledger.reserving == 0,
            ledger.waiting.isEmpty, !issuing.isInFlight
        else { return false }
        // What was given back is on a list that was asked for when its reservation was over, unless others have it.
        guard !reading.foundCooling, ledger.returning.isEmpty, reading.headSentAt >= returnedAt else { return false }
        // In trouble everything was given back: some time is left to the list, and one job is to be tried.
        if let trouble = startTrouble {
            guard trouble.isTrying, trouble.triedAt == nil else { return false }
        }
        let isInTrouble = startTrouble != nil || isTokenOutage || lacksTokens
        return !isInTrouble || !cooling.values.contains { $0.until > now && $0.why != .refused }
    }

    /// The stack is not known any more: it is registered again, and when that does not help, and the same is still said
    /// after a pause, the queue is gone.
    private mutating func stackVanished(_ failure: CallFailure, at now: Duration) {
        vanishings += 1
        refusals.stackIsUnknown()
        let isConfirmed = refusals.isConfirmed(.poll, at: now)
        if isConfirmed, vanishings > 2 { return stop(Self.queueNotFound(configuration, failure), at: now) }
        note(failure, of: .poll, at: now)
        guard vanishings < 3 else { return }
        // Said several times in a row it is one loss of the stack.
        registerAgain(failure, at: now, counts: vanishings == 1)
        if needsRegistration { log(.warning, "Buildkite does not know the stack: registering it again") }
    }

    // MARK: When nothing is heard

    private var silenceLimit: Duration { max(Self.connectedFor, configuration.pollInterval * 3) }

    /// When it is time to say that no poll succeeds.
    var nextSilenceCheck: Duration? {
        phase == .running && silentSince == nil ? max(lastPoll ?? runningSince, runningSince) + silenceLimit : nil
    }

    /// Single failures are warnings; a queue that people see as disconnected is an error. Said once.
    mutating func warnOfSilence(at now: Duration) {
        guard let due = nextSilenceCheck, due <= now else { return }
        silentSince = due - silenceLimit
        let seconds = (now - (silentSince ?? now)).formattedSeconds
        log(.error, "No poll has succeeded for \(seconds) s: Buildkite shows the queue as disconnected by now")
    }
}
