import Logging
import StacksAPI

/// Requests the states of jobs: of watched ones at intervals, and soon of those whose launcher has ended. One request at
/// a time.
struct Watching {
    /// The shortest time between two requests about jobs whose launcher has ended: half of the rate that Buildkite allows.
    private static let shortestSettleInterval = Duration.milliseconds(100)

    /// The same after a response that did not know all of them: what knows nothing does so for more than a moment.
    private static let pauseAfterAbsence = Duration.seconds(1)

    /// How long it is waited, once a launcher has ended, for others that end with it: one request is about all of them then, and
    /// not a first one about one job, after which the others wait.
    private static let gatheringTime = Duration.milliseconds(10)

    /// How many requests in a row fail about jobs whose launcher has ended, until what became of them counts as unknown: some
    /// half a minute.
    private static let mostFailures = 5

    /// For how long responses must say that a job which was found running is not this stack's: it may have run for hours.
    private static let patienceWithFound = Duration.seconds(30)

    /// Of jobs whose launcher runs, or that were found running.
    private(set) var pacing = Pacing()
    /// Of jobs whose launcher has ended.
    private(set) var settling = Pacing()
    /// Since when there are jobs whose launcher has ended and of which it is not known what became of them.
    private var endedSince: Duration?
    /// When the last request for states was sent: its response may be that old.
    private var askedAt: Duration = .zero

    private var watched = JobBatches()
    private var ended = JobBatches()
    /// Whether a request about both kinds of jobs was refused, so that it is not known which kind is at fault.
    private var asksApart = false
    /// Jobs because of which Buildkite refuses every request.
    private var refused: Set<JobID> = []

    mutating func begin(_ shared: SharedState) { pacing.due = shared.now + shared.configuration.watchInterval }

    func wakeAt(_ shared: SharedState) -> Duration? {
        // While a request is in flight, its response is the next thing to happen.
        if pacing.isInFlight || settling.isInFlight || shared.isCutOff { return nil }
        let watch = shared.ledger.watched.isEmpty ? nil : pacing.due
        return earliest(watch, settleAt(shared))
    }

    /// When jobs are asked about whose launcher has ended.
    private func settleAt(_ shared: SharedState) -> Duration? {
        guard let endedSince, !shared.ledger.ended.isEmpty else { return nil }
        return max(settling.due, endedSince + (shared.ledger.watched.isEmpty ? .zero : Self.gatheringTime))
    }

    /// Whether it cannot be learned for long what became of jobs whose launcher has ended.
    var cannotSettle: Bool { settling.failures >= Self.mostFailures }

    /// When the call is made again that failed.
    func nextTry(_ shared: SharedState) -> Duration? {
        let isOfWatched = pacing.failures > 0 && !shared.ledger.watched.isEmpty
        return (isOfWatched ? pacing : settling).due(if: true)
    }

    mutating func advance(_ shared: inout SharedState) {
        endedSince = shared.ledger.ended.isEmpty ? nil : endedSince ?? shared.now
        guard !shared.isCutOff, !pacing.isInFlight, !settling.isInFlight else { return }
        let now = shared.now
        var query = StateQuery()
        if let due = settleAt(shared), due <= now {
            query.ended = ended.next(of: Array(shared.ledger.ended.sorted().prefix(SharedState.maximumBatch)))
        }
        if !shared.ledger.watched.isEmpty, pacing.isDue(at: now), !asksApart || query.ended.isEmpty {
            let asked = shared.ledger.watched.subtracting(refused)
            if !asked.isEmpty { query.watched = watched.next(of: asked.sorted()) }
        }
        if query.watched.isEmpty, !asksApart,
            query.ended.contains(where: { shared.ledger[$0]?.seemsToHaveFailed == true })
        {
            let room = SharedState.maximumBatch - query.ended.count
            query.launched = Array(shared.ledger.notStarted.subtracting(refused).sorted().prefix(room))
        }
        guard !query.isEmpty else {
            if pacing.isDue(at: now) { pacing.due = now + shared.configuration.watchInterval }
            return
        }
        if !query.watched.isEmpty { pacing.isInFlight = true }
        if !query.ended.isEmpty { settling.isInFlight = true }
        askedAt = now
        shared.asks(.queryStates(query))
    }

    mutating func received(
        _ query: StateQuery, _ result: Result<JobStates, CallFailure>, _ failed: FailedParts,
        _ shared: inout SharedState, launcher: inout LauncherHealth, stops: inout LauncherStops
    ) {
        // One query is out at a time, so these say what it was about.
        let (asksForWatched, asksForEnded) = (pacing.isInFlight, settling.isInFlight)
        switch result {
        case .success(let states):
            shared.succeeded(.queryStates)
            let heard = query.without(failed.jobs)
            if let failure = failed.failure, failure.kind == .rejected {
                partRefused(asksForWatched, asksForEnded, shared)
            } else {
                if asksForWatched { paceWatched(failed.failure(of: query.watched), &shared) }
                if asksForEnded { paceEnded(query, states, failed.failure(of: query.ended), &shared) }
            }
            if let failure = failed.failure { shared.note(failure, of: .queryStates) }
            // A job whose state cannot be decoded is not gone.
            noteAbsences(heard.without(states.unreadableJobs), states, &shared, &stops)
            for id in heard.watched { observe(id, states[id], &shared, &launcher, &stops) }
            for id in heard.launched where states[id]?.isWithAgent == true { agentTookJob(id, &shared, &launcher) }
        case .failure(let failure):
            let now = shared.now
            if asksForWatched { pacing.failed(at: now, retryAfter: failure.retryAfter, jitter: &shared.jitter) }
            if asksForEnded { settling.failed(at: now, retryAfter: failure.retryAfter, jitter: &shared.jitter) }
            shared.note(failure, of: .queryStates)
            if failure.kind == .rejected { requestRefused(asksForWatched, asksForEnded, query, &shared) }
        }
    }

    private mutating func paceWatched(_ failure: CallFailure?, _ shared: inout SharedState) {
        if let failure {
            return pacing.failed(at: shared.now, retryAfter: failure.retryAfter, jitter: &shared.jitter)
        }
        let isRound = watched.accepted()
        pacing.succeeded(next: shared.now + (isRound ? shared.configuration.watchInterval : JobBatches.pause))
        if isRound { asksApart = false }
    }

    private mutating func paceEnded(
        _ query: StateQuery, _ states: JobStates, _ failure: CallFailure?, _ shared: inout SharedState
    ) {
        if let failure {
            return settling.failed(at: shared.now, retryAfter: failure.retryAfter, jitter: &shared.jitter)
        }
        _ = ended.accepted()
        let isWhole = query.ended.allSatisfy { states[$0] != nil }
        settling.succeeded(next: shared.now + (isWhole ? Self.shortestSettleInterval : Self.pauseAfterAbsence))
    }

    /// A part of a request for more than a thousand jobs is refused because of one of them. What has no launcher any more is
    /// at most one request, so that it can only be one that is watched, unless the request was for both.
    private mutating func partRefused(_ asksForWatched: Bool, _ asksForEnded: Bool, _ shared: SharedState) {
        let next = shared.now + BatchLimit.pauseAfterRefusal
        if asksForEnded { asksApart = true } else { watched.partWasRefused() }
        if asksForWatched { pacing.succeeded(next: next) }
        if asksForEnded { settling.succeeded(next: next) }
    }

    /// One job is at fault: it is looked for with smaller requests, so that the others are not left alone because of it.
    private mutating func requestRefused(
        _ asksForWatched: Bool, _ asksForEnded: Bool, _ query: StateQuery, _ shared: inout SharedState
    ) {
        let next = shared.now + BatchLimit.pauseAfterRefusal
        // A refusal of a request for one kind says which kind is at fault.
        asksApart = asksForEnded && (asksForWatched || !query.launched.isEmpty)
        let isAlone = !asksApart && (asksForWatched ? watched.isAlone : ended.isAlone)
        let id = asksApart ? nil : asksForWatched ? watched.refused() : ended.refused()
        // One that is alone, and perhaps not at fault, is retried later and later.
        if asksForWatched, !isAlone || id != nil { pacing.succeeded(next: next) }
        if asksForEnded, !isAlone || id != nil { settling.succeeded(next: next) }
        guard let id else { return }
        refused = refused.filter { shared.ledger.contains($0) }
        refused.insert(id)
        shared.log(.warning, "Buildkite refuses every request for the state of this job: it is not watched", id)
        guard let entry = shared.ledger[id] else { return }
        // Of one that has a launcher the end of that says more.
        if asksForEnded { shared.abandon(id) } else if !entry.hasLauncher { shared.completed(id) }
    }

    /// What the state of a job says whose launcher runs, or that was found running.
    private func observe(
        _ id: JobID, _ state: JobState?, _ shared: inout SharedState, _ launcher: inout LauncherHealth,
        _ stops: inout LauncherStops
    ) {
        guard let entry = shared.ledger[id], entry.stage == .launched || entry.stage == .started, let state else {
            return
        }
        shared.ledger.update(id) { entry in
            entry.isSeenReserved = state == .reserved
            if state != .reserved { entry.isLate = false }
            // A job that goes back from its end is not over, whatever its states were before.
            if !state.isTerminal { entry.overSince = nil }
            if state != .scheduled, state != .reserved { entry.doubts = 0 }
        }
        switch state {
        case .scheduled where entry.stage == .launched || entry.isUnattended:
            // Its reservation has expired. An agent that has been seen to have its job is left alone.
            doubt(id, "is scheduled again", &shared, stops: &stops)
        case _ where state.isWithAgent:
            agentTookJob(id, &shared, &launcher)
        case .finished:
            // The agent was quick, or is just cleaning up: its launcher ends by itself.
            agentTookJob(id, &shared, &launcher, isSeenAtWork: false)
            jobEnded(id, entry, &shared, &stops)
        case _ where state.isTerminal:
            // A job that was found running and was never seen without an agent may have one, which is cleaning up.
            if entry.stage == .launched, entry.hasLauncher, entry.job != nil || entry.isSeenReserved {
                stops.stop(id, "is \(state)", .cancelled, &shared)
            } else {
                jobEnded(id, entry, &shared, &stops)
            }
        case .reserved where entry.stage == .launched: checkStartTimeout(id, entry, &shared, &launcher, &stops)
        default:
            // A state that is not known here is a value like any other, and no sign that no agent came.
            break
        }
    }

    /// An agent has the job, or has had it.
    ///
    /// - Parameter isSeenAtWork: Whether it is at work now, so that this is about when it has started.
    private func agentTookJob(
        _ id: JobID, _ shared: inout SharedState, _ launcher: inout LauncherHealth, isSeenAtWork: Bool = true
    ) {
        guard let entry = shared.ledger[id], entry.stage == .launched else { return }
        shared.ledger.move(id, to: .started, at: shared.now)
        launcher.agentTook(launchedAt: entry.launchedAt, &shared)
        if isSeenAtWork, entry.job != nil { shared.wants(.measure(.start, shared.now - entry.launchedAt)) }
    }

    /// No agent has taken a launched job yet.
    private func checkStartTimeout(
        _ id: JobID, _ entry: JobLedger.Entry, _ shared: inout SharedState, _ launcher: inout LauncherHealth,
        _ stops: inout LauncherStops
    ) {
        let isOurs = entry.reservedUntil > shared.now
        if isOurs { shared.ledger.update(id) { $0.doubts = 0 } } else { shared.needsRenewal = true }
        // A slow response says nothing about what an agent has done since, and one may be stale: two in a row count.
        guard askedAt >= entry.startBy else { return }
        guard entry.isLate else { return shared.ledger.update(id) { $0.isLate = true } }
        let time = (shared.now - entry.since).formattedSeconds
        shared.log(.warning, "No agent took the job within \(time) s", id)
        guard entry.hasLauncher else { return shared.letGo(id, .noAgent, coolFor: .ended) }
        // It counts now: the launcher may never end. The job is given back in any case.
        _ = launcher.failed(id, launchedAt: entry.launchedAt, "No agent took the job within \(time) s", &shared)
        stops.stop(id, "is left to others", isOurs ? .tooSlow : .notOurs, &shared)
    }

    /// A response says that a job is not this stack's. One may be stale; two in a row count, and for a job that was found
    /// running only responses over some time.
    func doubt(_ id: JobID, _ reason: String, _ shared: inout SharedState, stops: inout LauncherStops) {
        guard let entry = shared.ledger[id] else { return }
        let since = entry.doubts == 0 ? shared.now : entry.doubtedSince
        shared.ledger.update(id) { entry in
            entry.doubts += 1
            entry.doubtedSince = since
        }
        guard entry.doubts >= 1, entry.job != nil || shared.now - since >= Self.patienceWithFound else { return }
        if entry.hasLauncher { stops.stop(id, reason, .notOurs, &shared) } else { shared.completed(id) }
    }

    /// The job of a launcher, or of an agent found running, is over for Buildkite. An agent cleans up for a while; a
    /// launcher that does not notice must not keep its slot forever.
    private func jobEnded(
        _ id: JobID, _ entry: JobLedger.Entry, _ shared: inout SharedState, _ stops: inout LauncherStops
    ) {
        guard entry.hasLauncher else { return shared.completed(id) }
        let now = shared.now
        guard let since = entry.overSince else { return shared.ledger.update(id) { $0.overSince = now } }
        guard now - since >= shared.configuration.lingerTimeout else { return }
        shared.log(
            .warning, "The job ended \((now - since).formattedSeconds) s ago and its launcher still runs", id)
        stops.stop(id, "is over", .over, &shared)
    }

    // MARK: Absence

    /// What it means that a response does not know jobs of which it was asked: a server may have forgotten them, and a
    /// token of another cluster may know none of them while every agent works.
    ///
    /// It is logged once for each job and absence, and stops nothing that was found running or seen with an agent. One
    /// that was launched here and never seen with an agent is stopped when it is missing twice in a row, from responses
    /// that know most of what was asked, and its reservation may have expired: then its token is dead.
    private func noteAbsences(
        _ query: StateQuery, _ states: JobStates, _ shared: inout SharedState, _ stops: inout LauncherStops
    ) {
        var (missing, back): ([JobID], Int) = ([], 0)
        for id in query.watched {
            guard let entry = shared.ledger[id], entry.stage == .launched || entry.stage == .started else { continue }
            let isMissing = states[id] == nil
            guard isMissing != entry.isMissing else { continue }
            shared.ledger.update(id) { $0.isMissing = isMissing }
            if isMissing { missing.append(id) } else { back += 1 }
        }
        if let first = missing.first {
            let jobs = missing.count == 1 ? "the job" : "\(missing.count) jobs"
            let hint = "what runs is left alone. Does the token belong to the same cluster as before?"
            shared.log(.warning, "Buildkite no longer knows \(jobs): \(hint)", missing.count == 1 ? first : nil)
        }
        if back > 0 { shared.log(.notice, "Buildkite knows \(back) jobs again that it did not know") }
        let unknown = query.jobs.count { states[$0] == nil }
        guard unknown > 0 else { return }
        let isPlausible = unknown * 2 <= query.jobs.count
        for id in query.watched where states[id] == nil {
            guard let entry = shared.ledger[id], entry.stage == .launched || entry.stage == .started else { continue }
            if isPlausible, entry.reservedUntil <= shared.now,
                entry.isUnattended || (entry.stage == .launched && entry.job != nil)
            {
                doubt(id, "is no longer known", &shared, stops: &stops)
            } else {
                // A doubt for another reason needs two responses in a row.
                shared.ledger.update(id) { $0.doubts = 0 }
            }
        }
    }
}
