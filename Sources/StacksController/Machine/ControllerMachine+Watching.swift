import Logging
import StacksAPI

extension ControllerMachine {
    /// The shortest time between two questions about jobs whose launcher has ended.
    private static let shortestSettleInterval = Duration.milliseconds(200)

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
        actions.append(.queryStates(query))
    }

    mutating func statesAnswered(_ query: StateQuery, _ result: Result<JobStates, CallFailure>, at now: Duration) {
        // One query is out at a time, so these say what it was about.
        let (asksForWatched, asksForEnded) = (watching.isInFlight, settling.isInFlight)
        switch result {
        case .success(let states):
            clearFailure(of: "get states")
            if asksForWatched { watching.succeeded(next: now + configuration.watchInterval) }
            if asksForEnded { settling.succeeded(next: now + Self.shortestSettleInterval) }
            for id in query.watched { observe(id, states[id], at: now) }
            for id in query.ended {
                guard case .ended(let outcome)? = ledger[id]?.stage else { continue }
                settle(id, outcome, states[id], at: now)
            }
        case .failure(let failure):
            if asksForWatched { watching.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter) }
            if asksForEnded { settling.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter) }
            note(failure, of: "get states", at: now)
        }
    }

    /// What the state of a job says whose launcher runs, or that was found running.
    private mutating func observe(_ id: JobID, _ state: JobState?, at now: Duration) {
        guard let entry = ledger[id], entry.stage == .launched || entry.stage == .started else { return }
        switch state {
        case nil, .scheduled?:
            // Gone, or its reservation has run out. One answer may be behind what is so; two are believed.
            ledger.update(id) { $0.doubts += 1 }
            guard entry.doubts >= 1 else { return }
            if entry.stage == .launched, entry.hasLauncher {
                stop(id, state == nil ? "is not known any more" : "is scheduled again", .notOurs, at: now)
            } else {
                isOver(id, entry, at: now)
            }
        case let state? where state.isWithAgent:
            if entry.stage == .launched {
                ledger.move(id, to: .started, at: now)
                if entry.job != nil { actions.append(.measure(.start, now - entry.since)) }
            }
            ledger.update(id) { $0.doubts = 0 }
        case .finished?:
            // The agent was quick, or is just cleaning up: its launcher ends by itself.
            if entry.stage == .launched { ledger.move(id, to: .started, at: now) }
            isOver(id, entry, at: now)
        case let state? where state.isTerminal:
            if entry.stage == .launched, entry.hasLauncher {
                stop(id, "is \(state)", .cancelled, at: now)
            } else {
                isOver(id, entry, at: now)
            }
        default:
            ledger.update(id) { $0.doubts = 0 }
            if entry.job == nil, state == .reserved, entry.reservedUntil > now + configuration.reservationExpiry {
                // Found running, and its agent has yet to take it: its reservation may be about to run out.
                ledger.update(id) { $0.reservedUntil = now }
            }
            guard entry.stage == .launched, now - entry.since >= configuration.effectiveStartTimeout else { return }
            log(.warning, "No agent took the job within \(configuration.effectiveStartTimeout.formattedSeconds) s", id)
            guard entry.hasLauncher else { return giveBack([id], at: now, coolFor: Self.coolingAfterEnd) }
            stop(id, "is left to others", .tooSlow, at: now)
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
