import Logging
import StacksAPI

extension ControllerMachine {
    /// The launcher can start nothing, for a reason that may pass.
    struct StartTrouble {
        /// What the launcher said last.
        var message: String
        /// When it is tried again.
        var pacing = Pacing()
        /// Whether one job may be taken up, to see whether it can be started.
        var isTrying = false
        /// When that job was launched.
        var triedAt: Duration?
    }

    /// A trouble that is over, unless starting is slow to fail.
    struct PastTrouble {
        var pacing: Pacing
        /// When the job was launched with which it ended.
        var triedAt: Duration
    }

    /// A launcher that has run for so long seems to have started what it was to start. Only an agent, or an exit status,
    /// proves it.
    private static let startedAfter = Duration.seconds(1)

    /// How many more jobs may be taken up, as far as what starts them is concerned.
    var startableJobs: Int {
        guard let trouble = startTrouble else { return .max }
        guard trouble.isTrying, trouble.triedAt == nil else { return 0 }
        // What is reserved already, and being reserved, is what is tried.
        return max(0, 1 - (ledger.occupied - ledger.watched.count - ledger.stopping - ledger.settling))
    }

    /// When the next try is due, or the last one has succeeded.
    var nextStartCheck: Duration? {
        guard let trouble = startTrouble else { return nil }
        return trouble.isTrying ? trouble.triedAt.map { $0 + Self.startedAfter } : trouble.pacing.due
    }

    mutating func tryToStartIfDue(at now: Duration) {
        guard let trouble = startTrouble else { return }
        if let triedAt = trouble.triedAt {
            if now >= triedAt + Self.startedAfter { canStart() }
        } else if trouble.isTrying || trouble.pacing.isDue(at: now) {
            startTrouble?.isTrying = true
        }
        // What was on its way when the trouble came is left to those who can start it, but for the one that is tried.
        let kept = startTrouble.map { $0.isTrying && $0.triedAt == nil ? 1 : 0 } ?? Int.max
        let excess = ledger.waiting.count > kept ? Array(nextToLaunch(.max).dropFirst(kept)) : []
        if phase == .running { for id in excess { letGo(id, at: now) } }
    }

    /// Takes down that a job is launched now.
    mutating func noteLaunch(at now: Duration) {
        if startTrouble?.isTrying == true { startTrouble?.triedAt = now }
    }

    /// The launcher has started something, whatever became of it.
    mutating func canStart() {
        guard let trouble = startTrouble, let triedAt = trouble.triedAt else { return }
        startTrouble = nil
        pastTrouble = PastTrouble(pacing: trouble.pacing, triedAt: triedAt)
        log(.notice, "Jobs can be started again")
    }

    /// Takes down that a job has certainly been started: the next trouble is a new one.
    mutating func hasStarted(launchedAt: Duration) {
        if let past = pastTrouble, launchedAt >= past.triedAt { pastTrouble = nil }
    }

    /// Takes down that a job could not be started, and gives it back.
    ///
    /// - Parameter launchedAt: When it was launched.
    mutating func cannotStart(_ id: JobID, _ message: String, launchedAt: Duration, at now: Duration) {
        letGo(id, at: now)
        guard phase == .running else { return }
        // Launches that were on their way together fail together, which counts and is said once.
        if let trouble = startTrouble, trouble.triedAt != launchedAt { return }
        // Starts that are slow to fail, one after the other, are one trouble: the waits go on growing.
        var trouble = startTrouble ?? StartTrouble(message: message, pacing: pastTrouble?.pacing ?? Pacing())
        trouble.message = message
        (trouble.isTrying, trouble.triedAt) = (false, nil)
        trouble.pacing.failed(at: now, retryAfter: nil, jitter: &jitter)
        startTrouble = trouble
        let wait = (trouble.pacing.due - now).formattedSeconds
        log(.warning, "Nothing can be started right now: \(message). Trying with one job in \(wait) s")
    }
}
