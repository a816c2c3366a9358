import Logging
import StacksAPI

/// Reads the list of scheduled jobs, and keeps those that match the stack.
struct Polling {
    /// What a response comes to for others.
    struct Outcome {
        /// Buildkite no longer knows the stack, or lists another queue.
        var loss: Registration.Loss?
        /// The list was read to its end, or as far as there is use for it.
        var isReadToEnd = false
    }

    /// How many waiting jobs are told at a time, on their pages, why they wait.
    private static let maximumTold = 1000

    /// How many of a page's unreadable jobs are named, the first time; the others are counted.
    private static let maximumNamed = 100

    /// How many pages are read before it is chosen from them.
    private static let pagesToChooseFrom = 5

    /// How long the list is read often after a job has come to it.
    private static let busyTime = Duration.seconds(30)

    /// How old a reading may be to count as the current list.
    private static let currency = Duration.seconds(1)

    private(set) var pacing = Pacing()
    var rate = PollRate()
    private(set) var reading = Reading()
    /// Jobs that match and were listed, the best first.
    var backlog = Backlog()
    /// When the last poll has succeeded.
    private(set) var lastSuccess: Duration?
    private(set) var isPaused = false

    private var matcher: @Sendable (ScheduledJob) -> JobMatcher.Verdict
    /// Why jobs are left alone, for the log.
    private var unmatchedRules = UnmatchedRules()
    /// How many matching jobs a dry run has logged last.
    private var saidOfDryRun: Int?
    /// The ID of the queue that the last page was about.
    private var queueID: ClusterQueueID?
    /// Polls in a row that got a 404, each after a registration.
    private var absences = 0
    private var silence = Silence()
    /// When a job that matches came last.
    private var lastArrival: Duration?
    /// How old the backlog is: when the first page of the last complete reading was requested, or of as much of it as is chosen
    /// from. `nil` when there is none.
    private var readAsOf: Duration?
    /// Whether the poll that is under way was sent for another configuration.
    private var ignoresResponse = false
    /// Whether the backlog has jobs whose pages do not say yet why they wait.
    private var hasUntold = false

    init(matcher: @escaping @Sendable (ScheduledJob) -> JobMatcher.Verdict) { self.matcher = matcher }

    /// Other jobs may match from now on: the whole list is read again.
    mutating func configured(_ shared: SharedState) {
        matcher = shared.configuration.effectiveMatcher
        unmatchedRules = UnmatchedRules()
        startOver()
        // It can be any page, and was listed for the configuration before.
        ignoresResponse = pacing.isInFlight
    }

    private mutating func startOver() {
        backlog.removeAll()
        reading.startOver()
        readAsOf = nil
    }

    func isWanted(_ shared: SharedState, isStackKnown: Bool) -> Bool { shared.phase == .running && isStackKnown }

    /// Whether what is read could be started.
    func isUseful(_ shared: SharedState, isStackKnown: Bool) -> Bool {
        isWanted(shared, isStackKnown: isStackKnown) && !isPaused && pacing.failures == 0
            && !shared.configuration.isDryRun
    }

    /// Whether more of the list is being read, to choose from.
    var isChoosing: Bool { reading.cursor != nil && !reading.isOfTail && reading.pages < Self.pagesToChooseFrom }

    /// Whether the backlog is that of the list as it is.
    func isCurrent(at now: Duration) -> Bool { readAsOf.map { now - $0 <= Self.currency } ?? false }

    func wakeAt(_ shared: SharedState, isStackKnown: Bool) -> Duration? {
        let poll = pacing.due(if: isWanted(shared, isStackKnown: isStackKnown)).map { max($0, rate.earliest) }
        return earliest(poll, silence.due(shared, lastSuccess: lastSuccess))
    }

    mutating func advance(_ shared: inout SharedState, launcher: LauncherHealth, isStackKnown: Bool) {
        // One that is out was sent before it was needed.
        if shared.needsPoll, !pacing.isInFlight {
            shared.needsPoll = false
            if pacing.failures == 0 { pacing.due = min(pacing.due, shared.now) }
        }
        guard isWanted(shared, isStackKnown: isStackKnown), !pacing.isInFlight else { return }
        let reachableSlots = launcher.reachableSlots(shared)
        // A slot is free, and the last poll, made while none was, saw no more than the head of the list; or jobs come; or a pool
        // has a free slot and wants to know what it could be used for.
        let isBehind = reading.limit == 1 || (shared.slots.bidBy != nil && !isCurrent(at: shared.now))
        // What was read a moment ago fills the free slots as well as what would be read now. A pool is told what is new.
        let hasEnough = !shared.slots.isShared && backlog.count >= reachableSlots && isCurrent(at: shared.now)
        if reachableSlots > 0, isBehind || isBusy(at: shared.now), !hasEnough, !isPaused, pacing.failures == 0 {
            pacing.due = min(pacing.due, reading.sentAt + rate.spacing)
        }
        guard pacing.isDue(at: shared.now), shared.now >= rate.earliest else { return }
        let canStartNothing = !shared.configuration.isDryRun && (isPaused || reachableSlots == 0)
        if canStartNothing { reading.startOver() }
        // Then one job is requested, only to be seen as connected.
        let limit = canStartNothing ? 1 : SharedState.maximumBatch
        // While nothing waits to be started, only what is new matters.
        let needsNewOnly = shared.configuration.mode == .continuous && !shared.configuration.isDryRun && backlog.isEmpty
        if limit > 1, needsNewOnly, !reading.foundCooling, reading.headSentAt > shared.givingBack.lastReturn {
            reading.goesToTail(at: shared.now)
        }
        rate.sends(at: shared.now)
        reading.asks(limit: limit, at: shared.now)
        pacing.isInFlight = true
        shared.asks(.poll(limit: limit, after: reading.cursor))
    }

    mutating func polled(
        _ result: Result<ScheduledJobsPage, CallFailure>, _ shared: inout SharedState, launcher: LauncherHealth
    ) -> Outcome {
        switch result {
        case .success(let page): return succeeded(page, &shared, launcher: launcher)
        case .failure(let failure):
            ignoresResponse = false
            reading.failed(isRejected: failure.kind == .rejected)
            pacing.failed(at: shared.now, retryAfter: failure.retryAfter, jitter: &shared.jitter)
            if failure.kind == .notFound { return Outcome(loss: noteAbsence(failure, &shared)) }
            shared.note(failure, of: .poll)
            return Outcome()
        }
    }

    private mutating func succeeded(
        _ page: ScheduledJobsPage, _ shared: inout SharedState, launcher: LauncherHealth
    ) -> Outcome {
        lastSuccess = shared.now
        absences = 0
        shared.succeeded(.poll)
        silence.ends(&shared)
        let isIgnored = ignoresResponse
        ignoresResponse = false
        guard shared.phase == .running, !isIgnored else {
            pacing.succeeded(next: shared.now)
            return Outcome()
        }
        shared.noteStackKnown(at: reading.sentAt)
        let loss = noteQueue(page.clusterQueue, &shared)
        if loss != nil {
            // These jobs, and those that were listed before, are of two queues: none is reserved.
            startOver()
            shared.slots.mustReport = true
            pacing.succeeded(next: shared.now + shared.configuration.pollInterval)
            return Outcome(loss: loss)
        }
        let hasMore = read(page, &shared, launcher: launcher)
        let quiet = shared.configuration.pollInterval * shared.jitter.next(in: 1..<1.1)
        pacing.succeeded(next: hasMore ? shared.now : shared.now + quiet)
        if !hasMore { sayWhatWasRead(&shared, launcher: launcher) }
        return Outcome(isReadToEnd: !hasMore)
    }

    /// Whether jobs come, so that the list is read often while they can be started.
    private func isBusy(at now: Duration) -> Bool { lastArrival.map { now - $0 <= Self.busyTime } ?? false }

    private mutating func noteQueue(
        _ queue: ScheduledJobsPage.ClusterQueue, _ shared: inout SharedState
    ) -> Registration.Loss? {
        if queue.isDispatchPaused != isPaused {
            isPaused = queue.isDispatchPaused
            shared.log(
                .notice, isPaused ? "The queue is paused: nothing is started" : "The queue is no longer paused")
        }
        guard let id = queue.id else { return nil }
        // A loss that is left alone for now is looked at again by the next poll.
        if let known = queueID, known != id { return Registration.Loss() }
        queueID = id
        return nil
    }

    /// Buildkite no longer knows the stack: it is registered again. When that does not help, and the 404 is repeated after
    /// a pause, the queue is gone.
    private mutating func noteAbsence(
        _ failure: CallFailure, _ shared: inout SharedState
    ) -> Registration.Loss? {
        absences += 1
        shared.failures.noteStackUnknown()
        let isConfirmed = shared.failures.noteRefusal(of: .poll, at: shared.now)
        if isConfirmed, absences > 2 {
            shared.stop(.queueNotFound(shared.configuration, failure))
            return nil
        }
        shared.note(failure, of: .poll)
        guard absences < 3 else { return nil }
        return Registration.Loss(failure: failure, isNew: absences == 1)
    }

    /// The stack is registered again because of a loss.
    mutating func restart(after loss: Registration.Loss, _ shared: inout SharedState) {
        reading.startOver()
        if loss.failure != nil {
            shared.log(.warning, "Buildkite does not know the stack: registering it again")
        } else {
            shared.log(.warning, "The list is of a different queue than before: registering the stack again")
            // The next page is that of the queue that it serves then.
            queueID = nil
        }
    }

    /// Single failures are warnings; a queue that people see as disconnected is an error.
    mutating func warnOfSilence(_ shared: inout SharedState) { silence.warnIfDue(&shared, lastSuccess: lastSuccess) }

    /// Shows on the pages of waiting jobs why they wait, once everything is reserved that can be.
    mutating func tellWaiting(_ shared: inout SharedState, launcher: LauncherHealth, launching: Launching) {
        let lacksTokens = launching.triesOneJob(shared)
        guard hasUntold, shared.phase == .running, lacksTokens || launcher.reachableSlots(shared) == 0 else { return }
        hasUntold = false
        let slots = shared.slots.isShared ? nil : shared.configuration.maximumInFlight
        let notice = launcher.trouble?.notice ?? (lacksTokens ? .waitsForToken : .waitsForSlot(slots: slots))
        for job in backlog.first(Self.maximumTold) { shared.tell(job.id, notice) }
    }

    // MARK: A page

    /// Records a page, and returns whether the next one is to be read at once.
    private mutating func read(
        _ page: ScheduledJobsPage, _ shared: inout SharedState, launcher: LauncherHealth
    ) -> Bool {
        let isHead = reading.begin(page, at: shared.now)
        if isHead {
            // The head is read again within a reading too: then what its other pages have shown stays, while there are others.
            let isNew = reading.pages == 1 || !page.pageInfo.hasNextPage
            if reading.limit == 1 { backlog.setAside() } else if isNew { backlog.removeAll() }
            shared.givingBack.forgetCooled(at: shared.now)
        }
        var matching: [ScheduledJob] = []
        for job in page.jobs where read(job, &shared) { matching.append(job) }
        skipUnreadable(page.unreadableJobs, &shared)
        backlog.add(matching)
        if !matching.isEmpty { hasUntold = true }
        let isWhole = !page.pageInfo.hasNextPage
        if reading.limit > 1 {
            backlog.counted(isWhole: isWhole, at: shared.now)
        } else {
            backlog.glanced(nothingFollows: isWhole, at: shared.now)
        }
        // The jobs of a paused queue are counted, and none of them may be reserved.
        if isPaused { backlog.setAside() }

        let isShort = shared.configuration.isDryRun || backlog.count < launcher.reachableSlots(shared)
        let isMoreOfUse = isShort || reading.pages < Self.pagesToChooseFrom
        let wantsMore = shared.phase == .running && !isPaused && reading.limit > 1 && isMoreOfUse
        if reading.limit > 1 { reading.noteTail(page, at: shared.now) }
        let requestedAt = reading.isOfTail ? reading.sentAt : reading.headSentAt
        let hasMore = reading.end(page.pageInfo, isHead: isHead, wantsMore: wantsMore, &shared)
        if isPaused || (reading.limit == 1 && !isWhole) {
            readAsOf = nil
        } else if !isChoosing {
            readAsOf = requestedAt
        }
        shared.slots.mustReport = true
        return hasMore
    }

    /// Records a listed job, and returns whether it can be reserved.
    private mutating func read(_ job: ScheduledJob, _ shared: inout SharedState) -> Bool {
        let isNew = reading.lists(job.id, at: shared.now)
        if isNew { shared.totals.seen += 1 } else { shared.notices.lists(job.id, at: shared.now) }
        let verdict = matcher(job)
        switch verdict {
        case .matches:
            guard shared.noteListed(job.id, by: reading.sentAt) else {
                if shared.givingBack.isWorthWaiting(for: job.id, at: shared.now) { reading.foundCooling = true }
                return false
            }
            reading.foundMatching = true
            if isNew { lastArrival = shared.now }
            if shared.configuration.isDryRun, isNew {
                shared.totals.matching += 1
                shared.log(.notice, "Would start this job (priority \(job.priority))", job.id)
            }
            return true
        case .unmatched, .invalid, .declined:
            if isNew {
                shared.totals.unmatched += 1
                unmatchedRules.note(verdict, of: job.id)
            }
        }
        return false
    }

    /// Records listed jobs that cannot be read. Each is logged as skipped once.
    private mutating func skipUnreadable(_ jobs: [UnreadableJob], _ shared: inout SharedState) {
        var news = 0
        for job in jobs {
            let what = "\(job.field.isEmpty ? "" : "its field \(job.field): ")\(job.reason)"
            guard reading.listsUnreadable(job.id?.description ?? what, at: shared.now) else { continue }
            shared.totals.seen += 1
            shared.totals.unreadable += 1
            news += 1
            if news <= Self.maximumNamed {
                shared.log(.warning, "The job is skipped, because it cannot be read: \(what)", job.id)
            }
        }
        guard news > Self.maximumNamed else { return }
        let rest = news - Self.maximumNamed
        shared.log(.warning, "\(rest) more jobs of this page are skipped, because they cannot be read")
    }

    private mutating func sayWhatWasRead(_ shared: inout SharedState, launcher: LauncherHealth) {
        for line in unmatchedRules.lines(at: shared.now) { shared.log(line.level, line.message, line.job) }
        guard shared.configuration.isDryRun, !isPaused, backlog.count != saidOfDryRun else { return }
        saidOfDryRun = backlog.count
        let started = min(backlog.count, launcher.reachableSlots(shared))
        shared.log(
            .notice,
            "\(backlog.count) scheduled jobs match: \(started) would be started now, "
                + "\(backlog.count - started) would wait for a slot"
        )
    }
}
