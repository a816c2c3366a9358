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
        if !ledger.watched.isEmpty, watching.isDue(at: now) { query.watched = Array(ledger.watched) }
        if !ledger.ended.isEmpty, settling.isDue(at: now) {
            query.ended = Array(ledger.ended.prefix(Self.maximumBatch))
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
            if entry.stage == .launched {
                let reason = state == nil ? "is not known any more" : "is scheduled again"
                stop(id, because: reason, isCancelled: false)
            } else if entry.job == nil {
                completed(id, at: now)
            }
        case let state? where state.isWithAgent:
            if entry.stage == .launched { ledger.move(id, to: .started) }
            ledger.update(id) { $0.doubts = 0 }
        case .finished?:
            // The agent was quick, or is just cleaning up: its launcher ends by itself.
            if entry.job == nil { completed(id, at: now) } else { ledger.move(id, to: .started) }
        case let state? where state.isTerminal:
            if entry.job == nil {
                completed(id, at: now)
            } else if entry.stage == .launched {
                stop(id, because: "is \(state)", isCancelled: true)
            }
        default:
            ledger.update(id) { $0.doubts = 0 }
        }
    }

    /// Stops the launcher of a job that no agent has taken. Once: the job is not looked at again until it has ended.
    private mutating func stop(_ id: JobID, because reason: String, isCancelled: Bool) {
        log(.info, "Stopping the launcher: the job \(reason)", id)
        ledger.move(id, to: .stopping(isCancelled: isCancelled))
        actions.append(.stop(id))
    }
}
