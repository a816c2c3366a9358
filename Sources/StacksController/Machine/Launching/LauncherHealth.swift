import Logging
import StacksAPI

/// Whether the launcher works, and how many jobs may be reserved because of that.
///
/// It does not when it says so, and when three launches in a row end before an agent has taken their job. Then nothing is
/// launched but one job at a time, later and later, and what cannot be launched is given back: a broken launcher must not
/// empty the queue.
///
/// Launches count in the order in which they were started, not in which they ended. An agent that takes a job shows that the launcher
/// worked when that job was launched: it says nothing of the launches after that.
struct LauncherHealth {
    /// How many launches in a row have to fail.
    private static let row = 3

    /// A launcher that said that it could start nothing, and now has run for so long, seems to have started what it was to
    /// start. Only an agent, or an exit status, proves it.
    private static let startedAfter = Duration.seconds(1)

    /// Why one job at a time is launched, if that is so.
    private(set) var trouble: LauncherTrouble?
    /// The last unavailability that seems to be over, and when the job was launched with which it ended, until it is certain.
    private(set) var pastTrouble: (trouble: LauncherTrouble, triedAt: Duration)?
    /// When the latest launches that failed were launched, three at most; those before the last success do not count.
    private var failures: [Duration] = []
    /// When the latest launch whose job was taken by an agent was launched.
    private var lastSuccess: Duration?

    /// How many more could be reserved if they were known: a pool may have slots to give.
    func reachableSlots(_ shared: SharedState) -> Int { usable(shared.reachableSlots, shared.ledger) }

    /// How many of so many slots are of use to what can be started.
    func usable(_ slots: Int, _ ledger: JobLedger) -> Int {
        guard trouble != nil else { return slots }
        guard isTrying else { return 0 }
        // What is reserved already, and being reserved, is what is tried.
        return min(slots, max(0, 1 - ledger.reserved))
    }

    /// Whether one job may be launched, to see whether it can be started.
    var isTrying: Bool { trouble?.isTrying ?? false }

    /// When the next try is due, or the last one has succeeded.
    func wakeAt(_ shared: SharedState) -> Duration? {
        guard let trouble, shared.phase == .running else { return nil }
        switch trouble.stage {
        case .waiting(let until): return until
        case .trying: return nil
        case .tried(let id, let time):
            guard trouble.cause == .unavailable, !Self.isBeingSettled(id, time, shared) else { return nil }
            return time + Self.startedAfter
        }
    }

    mutating func advance(_ shared: inout SharedState) {
        guard let trouble, shared.phase == .running else { return }
        switch trouble.stage {
        case .waiting(let until): if shared.now >= until { self.trouble?.mayTry() }
        case .trying: break
        case .tried(let id, let time):
            switch trouble.cause {
            case .unavailable:
                let isSilent = shared.now >= time + Self.startedAfter && !Self.isBeingSettled(id, time, shared)
                if isSilent { startsAgain(&shared) }
            // It has told nothing: its agent could not acquire the job, or the job was cancelled.
            case .failing: if !Self.isUnderWay(id, time, shared) { self.trouble?.mayTry() }
            }
        }
        // What was on its way when the trouble came is left to those who can start it, but for the one that is tried.
        let kept = self.trouble == nil ? Int.max : isTrying ? 1 : 0
        let excess = shared.ledger.awaitingToken.count > kept ? shared.ledger.nextToLaunch(.max).dropFirst(kept) : []
        for id in excess { shared.letGo(id, trouble.returnReason) }
    }

    /// Whether it is still open what becomes of a launch.
    private static func isUnderWay(_ id: JobID, _ launchedAt: Duration, _ shared: SharedState) -> Bool {
        guard let entry = shared.ledger[id], entry.launchedAt == launchedAt else { return false }
        switch entry.stage {
        case .launched, .ended, .confirming: return true
        default: return false
        }
    }

    /// Whether a launch has ended, and the state of its job is still to tell what that means.
    private static func isBeingSettled(_ id: JobID, _ launchedAt: Duration, _ shared: SharedState) -> Bool {
        guard let entry = shared.ledger[id], entry.launchedAt == launchedAt else { return false }
        switch entry.stage {
        case .ended(let outcome), .confirming(let outcome): return outcome.isUnavailable
        default: return false
        }
    }

    /// The list was read. When it shows no other job to be tried, those that have failed are tried again.
    func listRead(_ reading: Reading, _ shared: inout SharedState) {
        guard isTrying, reading.limit > 1, !reading.foundMatching, reading.foundCooling else { return }
        if shared.givingBack.endCooling(.untaken) { shared.needsPoll = true }
    }

    // MARK: Launches

    /// Records that a job is launched now.
    mutating func launches(_ id: JobID, at now: Duration) {
        if isTrying { trouble?.tries(id, at: now) }
    }

    /// Records that an agent has taken a job.
    mutating func agentTook(launchedAt: Duration, _ shared: inout SharedState) {
        lastSuccess = max(lastSuccess ?? launchedAt, launchedAt)
        failures.removeAll { $0 <= launchedAt }
        if trouble?.cause == .failing, failures.count < Self.row {
            trouble = nil
            _ = shared.givingBack.endCooling(.untaken)
            shared.log(.notice, "Launches succeed again: an agent has taken a job")
        }
        launcherEnded(launchedAt: launchedAt, &shared)
    }

    /// Records that a launch ended before an agent had taken its job. Returns whether the job is to be finished with an error,
    /// because it may be at fault; otherwise the launcher is, and the job is to be given back.
    mutating func failed(_ id: JobID, launchedAt: Duration, _ message: String, _ shared: inout SharedState) -> Bool {
        if lastSuccess.map({ launchedAt > $0 }) ?? true {
            failures = Array((failures + [launchedAt]).sorted().suffix(Self.row))
        }
        if let trouble, trouble.cause == .failing {
            if trouble.isTry(id, launchedAt: launchedAt) { tryFailed(message, &shared) }
            return false
        }
        guard failures.count >= Self.row else { return true }
        var trouble = LauncherTrouble(.failing, message)
        trouble.failed(message, at: shared.now, &shared.jitter)
        (self.trouble, pastTrouble) = (trouble, nil)
        let next = shared.phase == .running ? ", and one is tried \(wait(shared))" : ""
        shared.log(
            .error,
            "\(Self.row) launches in a row ended before an agent had taken the job: from now on jobs are given back\(next). "
                + "The last one: \(message)")
        return true
    }

    private mutating func tryFailed(_ message: String, _ shared: inout SharedState) {
        trouble?.failed(message, at: shared.now, &shared.jitter)
        guard shared.phase == .running, !endsIfHopeless(&shared) else { return }
        shared.log(.warning, "Launches still fail: \(message). Trying with one job \(wait(shared))")
    }

    // MARK: A launcher that can start nothing

    /// Records that a launcher could not start a job, and gives the job back.
    ///
    /// - Parameter launchedAt: When it was launched.
    mutating func startFailed(_ id: JobID, _ message: String, launchedAt: Duration, _ shared: inout SharedState) {
        shared.letGo(id, .cannotStart(message))
        guard shared.phase == .running else { return }
        // Launches that were on their way together fail together, which counts and is logged once.
        if let trouble, trouble.triedAt != launchedAt { return }
        // Starts that are slow to fail, one after the other, are one trouble: the waits go on growing.
        var trouble = trouble ?? pastTrouble?.trouble ?? LauncherTrouble(.unavailable, message)
        trouble.failed(message, at: shared.now, &shared.jitter)
        self.trouble = trouble
        guard !endsIfHopeless(&shared) else { return }
        shared.log(.warning, "Nothing can be started right now: \(message). Trying with one job \(wait(shared))")
    }

    /// A launcher has returned, or its agent has come, so that it has started something.
    mutating func launcherEnded(launchedAt: Duration, _ shared: inout SharedState) {
        if trouble?.cause == .unavailable, trouble?.triedAt == launchedAt { startsAgain(&shared) }
        // The next time that nothing can be started is a new trouble.
        if let pastTrouble, launchedAt >= pastTrouble.triedAt { self.pastTrouble = nil }
    }

    /// The launcher has started something, whatever became of it.
    private mutating func startsAgain(_ shared: inout SharedState) {
        guard let trouble, let triedAt = trouble.triedAt else { return }
        self.trouble = nil
        pastTrouble = (trouble, triedAt)
        shared.log(.notice, "Jobs can be started again")
    }

    // MARK: Words

    private func wait(_ shared: SharedState) -> String {
        guard case .waiting(let until)? = trouble?.stage else { return "now" }
        return "in \((until - shared.now).formattedSeconds) s"
    }

    /// A controller that is to end when nothing is left to do does not wait for a launcher for ever: it ends with an error.
    private func endsIfHopeless(_ shared: inout SharedState) -> Bool {
        guard shared.configuration.mode == .untilIdle, let trouble, trouble.isHopeless else { return false }
        let what =
            trouble.cause == .failing
            ? "Launches end before an agent has taken their job" : "The launcher can start nothing"
        let message = "\(what), and \(trouble.failures - 1) more tries have failed. The last one: \(trouble.message)"
        shared.stop(StackControllerError(code: .launcherUnusable, message: message))
        return true
    }
}
