import Logging
import StacksAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ControllerMachine {
    /// How long reserved jobs are kept for which no token is issued: other stacks may be able to start them.
    static let longestWithoutToken = Duration.seconds(30)

    var wantsTokens: Bool {
        phase == .running && !needsRegistration && !isPaused && !ledger.waiting.isEmpty
    }

    mutating func issueTokensIfDue(at now: Duration) {
        if phase == .running, isPaused, !ledger.waiting.isEmpty {
            // While the queue is paused nothing may be started; others may serve the job when it no longer is.
            for id in ledger.waiting.sorted() { letGo(id, at: now) }
            return
        }
        guard wantsTokens, issuing.isDue(at: now) else { return giveUpTokensIfDue(at: now) }
        let asked = nextToLaunch(issuingLimit.count)
        for id in asked { ledger.move(id, to: .issuing, at: now) }
        issuing.isInFlight = true
        actions.append(.request(.issueTokens(asked)))
    }

    /// When jobs are given back that wait for a token.
    var nextTokenCheck: Duration? {
        guard phase == .running, !ledger.waiting.isEmpty else { return nil }
        return tokenlessSince.map { $0 + Self.longestWithoutToken }
    }

    /// Gives back what gets no token for long. From then on it is tried with one job, later and later.
    private mutating func giveUpTokensIfDue(at now: Duration) {
        guard let due = nextTokenCheck, due <= now else { return }
        if !isTokenOutage {
            isTokenOutage = true
            let seconds = (now - (tokenlessSince ?? now)).formattedSeconds
            log(
                .warning, "No token could be had for \(seconds) s: reserved jobs are given back, one is tried at a time"
            )
        }
        for id in ledger.waiting.sorted() + uncertain { letGo(id, at: now) }
        uncertain = []
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
        serverTime: Date?,
        at now: Duration
    ) {
        switch result {
        case .success(let answer):
            (tokenlessSince, isTokenOutage) = (nil, false)
            issuing.succeeded(next: now)
            issuingLimit.accepted(asked.count)
            clearFailure(of: .issueTokens)
            guard phase == .running, !isPaused else {
                for id in asked where ledger[id]?.stage == .issuing { letGo(id, at: now) }
                return
            }
            for token in answer.issued {
                guard let entry = ledger[token.job], entry.stage == .issuing, let job = entry.job else { continue }
                guard startTrouble == nil || startTrouble?.isTrying == true && startTrouble?.triedAt == nil else {
                    break
                }
                noteLaunch(at: now)
                ledger.move(token.job, to: .launched, at: now)
                let wait = configuration.startLimit(tokenExpiresAt: token.expiresAt, serverTime: serverTime)
                ledger.update(token.job) { entry in
                    entry.startBy = now + wait
                    // The token was issued because it is.
                    entry.isSeenReserved = true
                }
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
            for id in without {
                // What cannot be started right now is no fault of the token's.
                if startTrouble == nil { log(.warning, "No token was issued for the job; it is not launched", id) }
                letGo(id, at: now, coolFor: startTrouble == nil ? .unissued : .returned)
            }
        case .failure(let failure):
            issuing.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter)
            tokenlessSince = tokenlessSince ?? now
            for id in asked where ledger[id]?.stage == .issuing { ledger.move(id, to: .waiting, at: now) }
            note(failure, of: .issueTokens, at: now)
            if failure.kind == .rejected, issuingLimit.refused(asked.count) {
                // One of them is at fault: the others are tried in smaller batches until it is found.
                issuing.succeeded(next: now + Self.pauseAfterRefusal)
            } else if failure.kind == .rejected {
                for id in asked where ledger.waiting.contains(id) { letGo(id, at: now, coolFor: .refused) }
                issuing.succeeded(next: now + Self.pauseAfterRefusal)
            }
            if phase != .running { for id in asked where ledger.waiting.contains(id) { letGo(id, at: now) } }
        }
    }

    // MARK: When the launcher is done

    mutating func launcherEnded(_ id: JobID, _ outcome: LaunchOutcome, at now: Duration) {
        guard let entry = ledger[id] else { return }
        deaf.remove(id)
        if entry.stage == .launched, case .unavailable(let message) = outcome {
            return cannotStart(id, message, launchedAt: entry.since, at: now)
        }
        if !outcome.isUnknown {
            if startTrouble?.triedAt == entry.since { canStart() }
            hasStarted(launchedAt: entry.since)
        }
        switch entry.stage {
        case .stopping(.cancelled):
            ledger.remove(id)
            totals.cancelled += 1
            cool(id, .ended, at: now)
        case .stopping(.notOurs):
            // What Buildkite said of the job may contradict a reservation that is known to hold.
            if entry.reservedUntil > now { letGo(id, at: now) } else { release(id, at: now) }
        case .stopping(.tooSlow):
            letGo(id, at: now, coolFor: .ended)
        case .stopping(.over):
            completed(id, at: now)
        case .started where outcome == .notFollowed, .launched where outcome == .notFollowed:
            // From now on what Buildkite says of the job decides alone.
            ledger.update(id) { $0.isUnattended = true }
        case .started:
            completed(id, at: now)
        case .launched:
            switch outcome {
            case .exited where outcome.isNotAcquired && isCutOff:
                release(id, at: now)
            case .impossible(let message):
                // Others may be able to start the job; finishing it, and the next, would empty the queue for nothing.
                letGo(id, at: now, coolFor: .ended)
                stop(StackControllerError(code: .launcherUnusable, message: message), at: now)
            default:
                // It may have started and ended since its state was last seen: only the state tells, whatever the status.
                // Some agents end with that of their job, which may be 27 or 28 too.
                ledger.move(id, to: .ended(outcome), at: now)
            }
        default: break
        }
    }

    /// An agent had the job, and is done.
    mutating func completed(_ id: JobID, at now: Duration) {
        guard ledger.remove(id) != nil else { return }
        totals.finished += 1
        cool(id, .ended, at: now)
    }

    /// The state of a job whose launcher has ended before an agent was seen to have the job.
    mutating func settle(_ id: JobID, _ outcome: LaunchOutcome, _ state: JobState?, at now: Duration) {
        guard let entry = ledger[id] else { return }
        switch state {
        case nil:
            // One response may know nothing of anything; the job is not asked about for ever either.
            ledger.update(id) { $0.doubts += 1 }
            guard entry.doubts >= 1 else { return }
            log(.warning, "The launcher ended, and Buildkite does not know the job: it is let go of", id)
            letGo(id, at: now, coolFor: .ended)
        case .reserved? where entry.reservedUntil > now:
            settleReserved(id, outcome, at: now)
        case .reserved?:
            // By now it may be reserved for another stack, and that one's job must not be finished.
            ledger.move(id, to: .confirming(outcome), at: now)
            confirmSoon(at: now)
        case .canceled?:
            ledger.remove(id)
            totals.cancelled += 1
            cool(id, .ended, at: now)
        case .finished?, .timedOut?:
            completed(id, at: now)
        case let state? where outcome.isNotAcquired:
            logNotAcquired(id, outcome)
            if state.isWithAgent, outcome.exitStatus == JobExit.notAcquired.status { warnOfTwin(id) }
            release(id, at: now, coolFor: Self.cooling(after: outcome))
        case .scheduled?:
            log(.info, "The launcher ended, and the job is scheduled again", id)
            release(id, at: now)
        case let state?:
            if state.isWithAgent {
                log(.warning, "The launcher ended while an agent has the job (\(state)); Buildkite will notice", id)
            }
            completed(id, at: now)
        }
    }

    /// A renewal has said of a job whose launcher has ended, and that is reserved, whether it is so for this stack.
    mutating func confirmed(_ id: JobID, _ outcome: LaunchOutcome, isOurs: Bool, isDenied: Bool, at now: Duration) {
        if isOurs { return settleReserved(id, outcome, at: now) }
        ledger.update(id) { $0.doubts += 1 }
        // A response that leaves the job out is asked for once more.
        guard let entry = ledger[id], isDenied || entry.doubts >= 2 else { return }
        log(
            .warning, "The launcher ended, and the job is not reserved for this stack any more: nothing is reported", id
        )
        if !outcome.isNotAcquired { unreported += 1 }
        if isDenied {
            release(id, at: now, coolFor: .ended)
        } else {
            letGo(id, at: now, coolFor: .ended)
        }
    }

    /// The launcher has ended, and the job is still reserved for this stack: no agent has taken it.
    private mutating func settleReserved(_ id: JobID, _ outcome: LaunchOutcome, at now: Duration) {
        if outcome.isNotAcquired {
            logNotAcquired(id, outcome)
            return letGo(id, at: now, coolFor: Self.cooling(after: outcome))
        }
        if ledger[id]?.job == nil, outcome.isUnknown {
            log(.warning, "How the command of the job ended is not known; the job is given back", id)
            return letGo(id, at: now)
        }
        ledger.move(id, to: .finishing, at: now)
        let detail = report(outcome)
        log(.error, "The launcher ended before the job started: \(detail)", id)
        reports.append((id, configuration.launchFailureExitStatus, detail))
    }

    private mutating func logNotAcquired(_ id: JobID, _ outcome: LaunchOutcome) {
        let isLocked = outcome.exitStatus == JobExit.locked.status
        log(.info, "The agent could not acquire the job\(isLocked ? ": it was locked" : "")", id)
    }

    private static func cooling(after outcome: LaunchOutcome) -> Cooling {
        outcome.exitStatus == JobExit.locked.status ? .locked : .ended
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
            guard let entry = ledger[report.id], entry.stage == .finishing else { continue }
            // Another stack may have reserved it since.
            guard entry.reservedUntil > now else {
                unreported += 1
                log(.error, "The reservation has run out before the job's end could be reported", report.id)
                letGo(report.id, at: now, coolFor: .ended)
                continue
            }
            // The call repeats what was not heard: not for longer than the job is this stack's.
            let time = min(configuration.settleTimeout, entry.reservedUntil - now)
            ledger.update(report.id) { $0.report = (report.status, report.detail) }
            actions.append(.request(.finish(report.id, exitStatus: report.status, detail: report.detail, within: time)))
        }
        reports.removeFirst(min(25, reports.count))
    }

    mutating func finished(_ id: JobID, _ failure: CallFailure?, at now: Duration) {
        guard ledger[id]?.stage == .finishing else { return }
        if failure == nil { reporting.succeeded(next: reporting.due) }
        if let failure, canReportAgain(failure) { return reportAgain(id, failure, at: now) }
        cool(id, .ended, at: now)
        totals.failed += 1
        guard let failure else {
            ledger.remove(id)
            return
        }
        // At most once: a finish whose answer was lost may have been heard.
        unreported += 1
        actions.append(.failed(.finish, failure.kind))
        log(.error, "The job's end could not be reported: \(failure.message)", id)
        lapse(id, at: now)
    }

    /// Whether a finish was certainly not accepted, for a reason that may pass.
    private func canReportAgain(_ failure: CallFailure) -> Bool {
        guard !failure.mayHaveTakenEffect, !isCutOff else { return false }
        return switch failure.kind {
        case .transient, .rateLimited, .forbidden, .notFound: true
        case .unauthorized, .rejected: false
        }
    }

    /// Reports again, later and later, what was refused. When that would be after the end of the reservation, or of the
    /// controller, the job is given back.
    private mutating func reportAgain(_ id: JobID, _ failure: CallFailure, at now: Duration) {
        guard let entry = ledger[id], let report = entry.report else { return }
        actions.append(.failed(.finish, failure.kind))
        // What was sent together and is refused together is one failure.
        if reporting.due <= now + .milliseconds(500) {
            reporting.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter)
        }
        let due = reporting.due
        guard due < min(entry.reservedUntil, settleBy ?? entry.reservedUntil) else {
            unreported += 1
            totals.failed += 1
            log(.error, "The job's end could not be reported, and the job is given back: \(failure.message)", id)
            return letGo(id, at: now, coolFor: .ended)
        }
        ledger.update(id) { $0.isReportRefused = true }
        reports.append((id, report.status, report.detail))
        let wait = (due - now).formattedSeconds
        log(.warning, "The job's end is reported again in \(wait) s: \(failure.message)", id)
    }
}
