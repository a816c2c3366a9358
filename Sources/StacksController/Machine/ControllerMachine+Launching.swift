import Logging
import StacksAPI

extension ControllerMachine {
    /// How long a job is left alone whose launcher has ended: the list can lag behind what is so.
    static let coolingAfterEnd = Duration.seconds(60)

    var wantsTokens: Bool {
        phase == .running && !needsRegistration && !isPaused && !ledger.waiting.isEmpty
    }

    mutating func issueTokensIfDue(at now: Duration) {
        if phase == .running, isPaused, !ledger.waiting.isEmpty {
            // While the queue is paused nothing may be started; others may serve the job when it no longer is.
            return giveBack(ledger.waiting.sorted(), at: now)
        }
        guard wantsTokens, issuing.isDue(at: now) else { return }
        let asked = nextToLaunch(issuingLimit.count)
        for id in asked { ledger.move(id, to: .issuing, at: now) }
        issuing.isInFlight = true
        actions.append(.issueTokens(asked))
    }

    func nextToLaunch(_ limit: Int) -> [JobID] {
        let waiting = ledger.waiting.map { id in
            (priority: ledger[id]?.job?.priority ?? 0, listedAt: ledger[id]?.listedAt ?? .zero, id: id)
        }
        // By priority, then age, then name: the same story gives the same requests.
        return waiting.sorted { ($1.priority, $0.listedAt, $0.id) < ($0.priority, $1.listedAt, $1.id) }
            .prefix(limit).map(\.id)
    }

    mutating func tokensIssued(
        _ asked: [JobID],
        _ result: Result<JobAcquisitionTokens, CallFailure>,
        at now: Duration
    ) {
        switch result {
        case .success(let answer):
            issuing.succeeded(next: now)
            issuingLimit.accepted(asked.count)
            clearFailure(of: "issue tokens")
            guard phase == .running, !isPaused else {
                return giveBack(asked.filter { ledger[$0]?.stage == .issuing }, at: now)
            }
            for token in answer.issued {
                guard let entry = ledger[token.job], entry.stage == .issuing, let job = entry.job else { continue }
                guard startTrouble == nil || startTrouble?.isTrying == true && startTrouble?.triedAt == nil else {
                    break
                }
                noteLaunch(at: now)
                ledger.move(token.job, to: .launched, at: now)
                totals.launched += 1
                actions.append(.measure(.dispatch, now - entry.listedAt))
                let launched = LaunchedJob(
                    scheduled: job,
                    acquisitionToken: token.token,
                    tokenExpiresAt: token.expiresAt
                )
                actions.append(.launch(launched))
            }
            let without = asked.filter { ledger[$0]?.stage == .issuing }
            if startTrouble != nil { return giveBack(without, at: now) }
            for id in without { log(.warning, "No token was issued for the job; it is not launched", id) }
            giveBack(without, at: now, coolFor: .seconds(30))
        case .failure(let failure):
            issuing.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter)
            for id in asked where ledger[id]?.stage == .issuing { ledger.move(id, to: .waiting, at: now) }
            note(failure, of: "issue tokens", at: now)
            if failure.kind == .rejected, issuingLimit.refused(asked.count) {
                // One of them is at fault: the others are tried in smaller batches until it is found.
                issuing.succeeded(next: now + Self.pauseAfterRefusal)
            } else if failure.kind == .rejected {
                giveBack(asked.filter { ledger.waiting.contains($0) }, at: now, coolFor: Self.coolingOfRefused)
                issuing.succeeded(next: now + Self.pauseAfterRefusal)
            }
            if phase != .running, !isCutOff { giveBack(asked.filter { ledger.waiting.contains($0) }, at: now) }
        }
    }

    // MARK: When the launcher is done

    mutating func launcherEnded(_ id: JobID, _ outcome: LaunchOutcome, at now: Duration) {
        guard let entry = ledger[id] else { return }
        deaf.remove(id)
        if entry.stage == .launched, case .unavailable(let message) = outcome {
            return cannotStart(id, message, launchedAt: entry.since, at: now)
        }
        if startTrouble?.triedAt == entry.since, !outcome.isUnknown { canStart() }
        switch entry.stage {
        case .stopping(.cancelled):
            ledger.remove(id)
            totals.cancelled += 1
            cool(id, for: Self.coolingAfterEnd, at: now)
        case .stopping(.notOurs):
            release(id, at: now)
        case .stopping(.tooSlow):
            if isCutOff {
                release(id, at: now, coolFor: Self.coolingAfterEnd)
            } else {
                giveBack([id], at: now, coolFor: Self.coolingAfterEnd)
            }
        case .stopping(.over):
            completed(id, at: now)
        case .started where outcome == .notFollowed, .launched where outcome == .notFollowed:
            // From now on what Buildkite says of the job decides alone.
            ledger.update(id) { $0.isUnattended = true }
        case .started:
            completed(id, at: now)
        case .launched:
            switch outcome {
            case .exited(let exit) where exit.status == JobExit.notAcquired.status:
                log(.info, "The agent could not acquire the job any more", id)
                // While it is reserved for this stack only a cancellation explains that, or a second stack of this key.
                guard entry.job != nil, now < entry.reservedUntil, !isCutOff else {
                    return release(id, at: now, coolFor: Self.coolingAfterEnd)
                }
                ledger.move(id, to: .ended(outcome), at: now)
            case .exited(let exit) where exit.status == JobExit.locked.status:
                log(.info, "The job was locked; it will be scheduled again", id)
                release(id, at: now, coolFor: .seconds(10))
            case .impossible(let message):
                // Others may be able to start the job; finishing it, and the next, would empty the queue for nothing.
                if isCutOff { release(id, at: now) } else { giveBack([id], at: now, coolFor: Self.coolingAfterEnd) }
                stop(StackControllerError(code: .launcherUnusable, message: message), at: now)
            default:
                // It may have started and ended since its state was last seen: only the state tells.
                ledger.move(id, to: .ended(outcome), at: now)
            }
        default: break
        }
    }

    /// An agent had the job, and is done.
    mutating func completed(_ id: JobID, at now: Duration) {
        guard ledger.remove(id) != nil else { return }
        totals.finished += 1
        cool(id, for: Self.coolingAfterEnd, at: now)
    }

    /// The state of a job whose launcher has ended before an agent was seen to have the job.
    mutating func settle(_ id: JobID, _ outcome: LaunchOutcome, _ state: JobState?, at now: Duration) {
        switch state {
        case let state? where outcome == .exited(.notAcquired) && state != .canceled:
            if state.isWithAgent || state == .finished { warnOfTwin(id) }
            release(id, at: now, coolFor: Self.coolingAfterEnd)
        case nil:
            ledger.update(id) { $0.doubts += 1 }
            if let entry = ledger[id], entry.doubts >= 2 { release(id, at: now, coolFor: Self.coolingAfterEnd) }
        case .reserved? where ledger[id]?.job == nil && outcome.isUnknown:
            log(.warning, "How the command of the job ended is not known; the job is given back", id)
            giveBack([id], at: now)
        case .reserved?:
            ledger.move(id, to: .finishing, at: now)
            let detail = report(outcome)
            log(.error, "The launcher ended before the job started: \(detail)", id)
            reports.append((id, configuration.launchFailureExitStatus, detail))
        case .scheduled?:
            log(.info, "The launcher ended, and the job is scheduled again", id)
            release(id, at: now)
        case .canceled?:
            ledger.remove(id)
            totals.cancelled += 1
            cool(id, for: Self.coolingAfterEnd, at: now)
        case let state?:
            if state.isWithAgent {
                log(.warning, "The launcher ended while an agent has the job (\(state)); Buildkite will notice", id)
            }
            completed(id, at: now)
        }
    }

    /// Says that an agent took a job that was reserved for this stack, and that it was not the one launched here. Once:
    /// with a second controller of the same key it is so for every other job.
    private mutating func warnOfTwin(_ id: JobID) {
        guard !hasWarnedOfTwin else { return }
        hasWarnedOfTwin = true
        let message =
            "An agent that was not launched here took the job while it was reserved for this stack: another controller "
            + "seems to use the key \(configuration.stackKey). Give each controller a key of its own"
        log(.warning, message, id)
    }

    /// What to tell people of a job that never ran. Its exit status is the configuration's, because pipelines have rules
    /// for it; the command's own is in here.
    private func report(_ outcome: LaunchOutcome) -> String {
        switch outcome {
        case .exited(let exit):
            let own = "The agent's command ended with status \(exit.status) before the job started"
            return exit.message.map { "\($0). \(own)" } ?? own
        case .failed(let message), .impossible(let message), .unavailable(let message):
            return message.isEmpty ? "The agent could not be launched" : message
        case .notFollowed:
            return "The agent was gone before the job started"
        }
    }

    /// Reports what is to be reported at half of the rate that Buildkite allows (100 a second), so that launchers that
    /// all fail at once do not lose their messages to the limit.
    mutating func reportIfDue(at now: Duration) {
        guard !reports.isEmpty, reporting.isDue(at: now) else { return }
        reporting.due = now + .milliseconds(500)
        for report in reports.prefix(25) {
            actions.append(.finish(report.id, exitStatus: report.status, detail: report.detail))
        }
        reports.removeFirst(min(25, reports.count))
    }

    mutating func finished(_ id: JobID, _ failure: CallFailure?, at now: Duration) {
        guard ledger.remove(id) != nil else { return }
        cool(id, for: Self.coolingAfterEnd, at: now)
        totals.failed += 1
        // At most once: a finish whose answer was lost may have been heard.
        guard let failure else { return }
        actions.append(.failed(call: "finish", failure.kind))
        log(.error, "The job's end could not be reported: \(failure.message)", id)
    }
}
