import Logging
import StacksAPI

/// Finds out what became of jobs whose launcher has ended, and what is to be done about them.
struct LauncherExits {
    /// Jobs whose end could not be reported, because they are no longer reserved for this stack.
    private(set) var unreported = 0
    /// Whether the log says that another controller seems to use the key.
    private var hasWarnedOfTwin = false

    // MARK: The launcher has ended

    mutating func launcherEnded(
        _ id: JobID, _ outcome: LaunchOutcome, _ shared: inout SharedState, launcher: inout LauncherHealth
    ) {
        guard let entry = shared.ledger[id] else { return }
        if entry.stage == .launched, case .unavailable(let message) = outcome {
            return launcher.startFailed(id, message, launchedAt: entry.launchedAt, &shared)
        }
        // One that could start nothing shows nothing of what can be started, as long as no agent has come.
        if !outcome.isUnknown, !outcome.isUnavailable { launcher.launcherEnded(launchedAt: entry.launchedAt, &shared) }
        switch entry.stage {
        case .stopping(.cancelled): shared.cancelled(id)
        case .stopping(.notOurs):
            // The job's state may contradict a reservation that certainly holds.
            if entry.reservedUntil > shared.now { shared.letGo(id, .unclear) } else { shared.release(id) }
        case .stopping(.tooSlow): shared.letGo(id, .noAgent, coolFor: launcher.trouble == nil ? .ended : .untaken)
        case .stopping(.over): shared.completed(id)
        case .started where outcome == .notFollowed, .launched where outcome == .notFollowed:
            // From now on what Buildkite says of the job decides alone.
            shared.ledger.update(id) { $0.isUnattended = true }
        case .started: shared.completed(id)
        case .launched:
            switch outcome {
            case .exited where outcome.isNotAcquired && shared.isCutOff: shared.release(id)
            case .impossible(let message):
                // Others may be able to start the job; finishing it, and the next, would empty the queue for nothing.
                shared.letGo(id, .cannotStart(message), coolFor: .ended)
                shared.stop(StackControllerError(code: .launcherUnusable, message: message))
            default:
                // It may have started and ended since its state was last seen: only the state tells, whatever the status.
                // Some agents end with that of their job, which may be 27 or 28 too.
                shared.ledger.move(id, to: .ended(outcome), at: shared.now)
            }
        default: break
        }
    }

    // MARK: Its job's state is known

    /// What a response says of a job whose launcher has ended before an agent was seen to have the job.
    mutating func settle(
        _ id: JobID, _ states: JobStates, _ shared: inout SharedState, launcher: inout LauncherHealth,
        reports: inout FailureReports
    ) {
        guard let entry = shared.ledger[id], case .ended(let outcome) = entry.stage else { return }
        switch states[id] {
        case nil:
            // One response may know nothing of anything; the job is not asked about for ever either.
            shared.ledger.update(id) { $0.doubts += 1 }
            guard entry.doubts >= 1 else { return }
            let why =
                states.unreadableJobs.contains(id)
                ? "the job's state cannot be read" : "Buildkite does not know the job"
            shared.log(.warning, "The launcher ended and \(why): letting go of it", id)
            shared.letGo(id, .unclear, coolFor: .ended)
        case .reserved? where entry.reservedUntil > shared.now:
            settleReserved(id, outcome, &shared, &launcher, &reports)
        case .reserved? where entry.isRenewalRefused: shared.abandon(id)
        case .reserved?:
            // By now it may be reserved for another stack, and that one's job must not be finished.
            shared.ledger.move(id, to: .confirming(outcome), at: shared.now)
            shared.needsRenewal = true
        case .canceled?: shared.cancelled(id)
        case .finished?, .timedOut?:
            if !outcome.isNotAcquired { launcher.agentTook(launchedAt: entry.launchedAt, &shared) }
            shared.completed(id)
        case let state? where outcome.isNotAcquired:
            logNotAcquired(id, outcome, &shared)
            if state.isWithAgent, outcome.exitStatus == JobExit.notAcquired.status { warnOfTwin(id, &shared) }
            shared.release(id, coolFor: cooling(after: outcome, of: id, &shared))
        case .scheduled?:
            shared.log(.info, "The launcher ended, and the job is scheduled again", id)
            shared.release(id)
        case let state?:
            if state.isWithAgent {
                launcher.agentTook(launchedAt: entry.launchedAt, &shared)
                shared.log(
                    .warning, "The launcher ended while an agent has the job (\(state)); Buildkite will notice", id)
            }
            shared.completed(id)
        }
    }

    /// A renewal tells whether a reserved job, whose launcher has ended, is reserved for this stack.
    mutating func confirmed(
        _ id: JobID, _ outcome: LaunchOutcome, _ verdict: Renewing.Verdict, _ shared: inout SharedState,
        launcher: inout LauncherHealth, reports: inout FailureReports
    ) {
        if verdict == .ours { return settleReserved(id, outcome, &shared, &launcher, &reports) }
        shared.ledger.update(id) { $0.doubts += 1 }
        // A response that leaves the job out is asked for once more.
        guard let entry = shared.ledger[id], verdict != .unsaid || entry.doubts >= 2 else { return }
        shared.log(
            .warning, "The launcher ended, and the job is no longer reserved for this stack: nothing is reported", id
        )
        if !outcome.isNotAcquired { unreported += 1 }
        switch verdict {
        case .denied: shared.release(id, coolFor: .ended)
        case .refused: shared.abandon(id)
        case .ours, .unsaid: shared.letGo(id, .unclear, coolFor: .ended)
        }
    }

    /// The launcher has ended, and the job is still reserved for this stack: no agent has taken it.
    private func settleReserved(
        _ id: JobID, _ outcome: LaunchOutcome, _ shared: inout SharedState, _ launcher: inout LauncherHealth,
        _ reports: inout FailureReports
    ) {
        if outcome.isNotAcquired {
            logNotAcquired(id, outcome, &shared)
            return shared.letGo(
                id, outcome.isLocked ? .locked : .notAcquired, coolFor: cooling(after: outcome, of: id, &shared))
        }
        guard let entry = shared.ledger[id] else { return }
        if outcome.isUnavailable {
            return launcher.startFailed(id, outcome.report, launchedAt: entry.launchedAt, &shared)
        }
        if entry.job == nil, outcome.isUnknown {
            shared.log(.warning, "It is unknown how the job's command ended; giving the job back", id)
            return shared.letGo(id, .unclear)
        }
        if launcher.failed(id, launchedAt: entry.launchedAt, outcome.report, &shared) {
            reports.add(id, detail: outcome.report, &shared)
        } else {
            shared.letGo(id, .launchesFail(outcome.report), coolFor: .untaken)
        }
    }

    private func logNotAcquired(_ id: JobID, _ outcome: LaunchOutcome, _ shared: inout SharedState) {
        guard outcome.isLocked else { return shared.log(.info, "The agent could not acquire the job", id) }
        let why = "it is locked, or something that was started for it before is in its way"
        let count = shared.givingBack.countLocked(id, at: shared.now)
        guard count == 5 || count.isMultiple(of: 20) else {
            return shared.log(.info, "The job's command ended with 28: \(why)", id)
        }
        shared.log(
            .warning, "The job's command has ended with 28 \(count) times: \(why). Its output says which of the two", id
        )
    }

    private func cooling(after outcome: LaunchOutcome, of id: JobID, _ shared: inout SharedState) -> GivingBack.Cooling
    {
        let cooling = shared.givingBack.cooling(after: outcome, of: id, shared.configuration)
        if cooling == .refused {
            shared.log(.warning, "No agent could acquire the job, again and again: it is left to others", id)
        }
        return cooling
    }

    /// Says that an agent took a job that was reserved for this stack, and that it was not the one launched here. Once:
    /// with a second controller of the same key it happens to every other job.
    private mutating func warnOfTwin(_ id: JobID, _ shared: inout SharedState) {
        guard !hasWarnedOfTwin else { return }
        hasWarnedOfTwin = true
        let message =
            "An agent that was not launched here took the job while it was reserved for this stack: another controller "
            + "seems to use the key \(shared.configuration.stackKey). Give each controller a key of its own"
        shared.log(.warning, message, id)
    }
}

extension LaunchOutcome {
    /// What a job's page shows when the job never ran. Its exit status is the configuration's, because pipelines have rules
    /// for it; the command's own is in here.
    fileprivate var report: String {
        switch self {
        case .exited(let exit) where isUnavailable:
            return exit.detail ?? "the command ended with status \(exit.status), and its output says why"
        case .exited(let exit):
            let own = "The agent's command ended with status \(exit.status) before the job started"
            return exit.detail.map { "\($0). \(own)" } ?? own
        case .failed(let message), .impossible(let message), .unavailable(let message):
            return message.isEmpty ? "The agent could not be launched" : message
        case .notFollowed:
            return "The agent was gone before the job started"
        }
    }
}
