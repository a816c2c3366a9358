import Logging
import StacksAPI

extension ControllerMachine {
    /// The shortest time between two questions about jobs whose launcher has ended.
    private static let shortestSettleInterval = Duration.milliseconds(200)

    /// The same after a response that did not know all of them: what knows nothing does so for more than a moment.
    private static let pauseAfterAbsence = Duration.seconds(1)

    /// How long it must have been said of a job that was found running that it is not this stack's: it may have run for
    /// hours.
    private static let patienceWithFound = Duration.seconds(30)

    /// Asks for the states of watched jobs at intervals, and soon for those whose launcher has ended: one question at
    /// a time.
    mutating func watchIfDue(at now: Duration) {
        guard !isCutOff, !watching.isInFlight, !settling.isInFlight else { return }
        var query = StateQuery()
        if !ledger.watched.isEmpty, watching.isDue(at: now) { query.watched = ledger.watched.sorted() }
        if !ledger.ended.isEmpty, settling.isDue(at: now) {
            query.ended = Array(ledger.ended.sorted().prefix(Self.maximumBatch))
        }
        guard !query.isEmpty else {
            if watching.isDue(at: now) { watching.due = now + configuration.watchInterval }
            return
        }
        if !query.watched.isEmpty { watching.isInFlight = true }
        if !query.ended.isEmpty { settling.isInFlight = true }
        statesAskedAt = now
        actions.append(.request(.queryStates(query)))
    }

    mutating func statesAnswered(_ query: StateQuery, _ result: Result<JobStates, CallFailure>, at now: Duration) {
        // One query is out at a time, so these say what it was about.
        let (asksForWatched, asksForEnded) = (watching.isInFlight, settling.isInFlight)
        switch result {
        case .success(let states):
            clearFailure(of: .queryStates)
            if asksForWatched { watching.succeeded(next: now + configuration.watchInterval) }
            if asksForEnded {
                let isWhole = query.ended.allSatisfy { states[$0] != nil }
                settling.succeeded(next: now + (isWhole ? Self.shortestSettleInterval : Self.pauseAfterAbsence))
            }
            noteAbsences(query, states, at: now)
            for id in query.watched { observe(id, states[id], at: now) }
            for id in query.ended {
                guard case .ended(let outcome)? = ledger[id]?.stage else { continue }
                settle(id, outcome, states[id], at: now)
            }
        case .failure(let failure):
            if asksForWatched { watching.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter) }
            if asksForEnded { settling.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter) }
            note(failure, of: .queryStates, at: now)
        }
    }

    /// What the state of a job says whose launcher runs, or that was found running.
    private mutating func observe(_ id: JobID, _ state: JobState?, at now: Duration) {
        guard let entry = ledger[id], entry.stage == .launched || entry.stage == .started, let state else { return }
        ledger.update(id) { entry in
            entry.isSeenReserved = state == .reserved
            if state != .reserved { entry.isLate = false }
            // A job that goes back from its end is not over, whatever was said before.
            if !state.isTerminal { entry.overSince = nil }
            if state != .scheduled, state != .reserved { entry.doubts = 0 }
        }
        switch state {
        case .scheduled where entry.stage == .launched || entry.isUnattended:
            // Its reservation has run out. An agent that has been seen to have its job is left alone.
            doubt(id, "is scheduled again", at: now)
        case _ where state.isWithAgent:
            guard entry.stage == .launched else { return }
            ledger.move(id, to: .started, at: now)
            hasStarted(launchedAt: entry.since)
            if entry.job != nil { actions.append(.measure(.start, now - entry.since)) }
        case .finished:
            // The agent was quick, or is just cleaning up: its launcher ends by itself.
            if entry.stage == .launched { ledger.move(id, to: .started, at: now) }
            isOver(id, entry, at: now)
        case _ where state.isTerminal:
            // An agent may have had one that was found running, and clean up.
            if entry.stage == .launched, entry.hasLauncher, entry.job != nil {
                stop(id, "is \(state)", .cancelled, at: now)
            } else {
                isOver(id, entry, at: now)
            }
        case .reserved where entry.stage == .launched:
            let isOurs = entry.reservedUntil > now
            if isOurs { ledger.update(id) { $0.doubts = 0 } } else { confirmSoon(at: now) }
            // A response that took long says nothing about what an agent has done since, and one may be behind: two are
            // believed.
            guard statesAskedAt >= entry.startBy else { return }
            guard entry.isLate else { return ledger.update(id) { $0.isLate = true } }
            log(.warning, "No agent took the job within \((now - entry.since).formattedSeconds) s", id)
            guard entry.hasLauncher else { return letGo(id, at: now, coolFor: .ended) }
            stop(id, "is left to others", isOurs ? .tooSlow : .notOurs, at: now)
        default:
            // A state that is not known here is a value like any other, and no sign that no agent came.
            break
        }
    }

    /// A response says that a job is not this stack's. One may be behind what is so; two in a row are believed, and of a
    /// job that was found running only what has been said for some time.
    mutating func doubt(_ id: JobID, _ reason: String, at now: Duration) {
        guard let entry = ledger[id] else { return }
        let since = entry.doubts == 0 ? now : entry.doubtedSince
        ledger.update(id) { entry in
            entry.doubts += 1
            entry.doubtedSince = since
        }
        guard entry.doubts >= 1, entry.job != nil || now - since >= Self.patienceWithFound else { return }
        if entry.hasLauncher { stop(id, reason, .notOurs, at: now) } else { completed(id, at: now) }
    }

    // MARK: Absence

    /// What it means that a response does not know jobs of which it was asked: a server may have forgotten them, and a
    /// token of another cluster may know none of them while every agent works.
    ///
    /// It is said, once for each job and absence, and stops nothing that was found running or seen with an agent. One
    /// that was launched here and never seen with an agent is stopped when it is missing twice in a row, from responses
    /// that know most of what was asked, and its reservation is not known to hold any more: then its token is dead.
    private mutating func noteAbsences(_ query: StateQuery, _ states: JobStates, at now: Duration) {
        var (missing, back): ([JobID], Int) = ([], 0)
        for id in query.watched {
            guard let entry = ledger[id], entry.stage == .launched || entry.stage == .started else { continue }
            let isMissing = states[id] == nil
            guard isMissing != entry.isMissing else { continue }
            ledger.update(id) { $0.isMissing = isMissing }
            if isMissing { missing.append(id) } else { back += 1 }
        }
        if let first = missing.first {
            let jobs = missing.count == 1 ? "the job" : "\(missing.count) jobs"
            let hint = "what runs is left alone. Does the token belong to the same cluster as before?"
            log(.warning, "Buildkite does not know \(jobs) any more: \(hint)", missing.count == 1 ? first : nil)
        }
        if back > 0 { log(.notice, "Buildkite knows \(back) jobs again that it did not know") }
        let unknown = query.jobs.count { states[$0] == nil }
        guard unknown > 0 else { return }
        let isPlausible = unknown * 2 <= query.jobs.count
        for id in query.watched where states[id] == nil {
            guard let entry = ledger[id], entry.stage == .launched || entry.stage == .started else { continue }
            if isPlausible, entry.reservedUntil <= now,
                entry.isUnattended || (entry.stage == .launched && entry.job != nil)
            {
                doubt(id, "is not known any more", at: now)
            } else {
                // What is doubted for another reason has to be said twice in a row.
                ledger.update(id) { $0.doubts = 0 }
            }
        }
    }

    /// The job of a launcher, or of an agent found running, is over for Buildkite. An agent cleans up for a while; a
    /// launcher that does not notice must not keep its slot for ever.
    private mutating func isOver(_ id: JobID, _ entry: JobLedger.Entry, at now: Duration) {
        guard entry.hasLauncher else { return completed(id, at: now) }
        guard let since = entry.overSince else { return ledger.update(id) { $0.overSince = now } }
        guard now - since >= configuration.lingerTimeout else { return }
        log(.warning, "The job is over since \((now - since).formattedSeconds) s, and its launcher still runs", id)
        stop(id, "is over", .over, at: now)
    }

    /// Stops the launcher of a job. Once: the job is not looked at again until its launcher has ended.
    private mutating func stop(_ id: JobID, _ reason: String, _ kind: JobLedger.StopReason, at now: Duration) {
        log(.info, "Stopping the launcher: the job \(reason)", id)
        ledger.move(id, to: .stopping(kind), at: now)
        stops.append((id, now))
        actions.append(.stop(id))
    }

    // MARK: Launchers that do not listen

    /// When the oldest stop that was not looked at again is to be.
    var nextStopCheck: Duration? { stops.first.map { $0.at + configuration.stopTimeout } }

    /// Says of a launcher that has not ended long after it was stopped that it keeps its slot. Once for each stop.
    mutating func warnOfDeafLaunchers(at now: Duration) {
        while let due = nextStopCheck, due <= now {
            let (id, at) = stops.removeFirst()
            guard let entry = ledger[id], case .stopping = entry.stage, entry.since == at else { continue }
            deaf.insert(id)
            let seconds = (now - at).formattedSeconds
            log(.error, "The launcher was cancelled \(seconds) s ago and has not ended: it keeps its slot", id)
        }
    }
}
