import Logging
import StacksAPI

/// Whether the launcher can start anything, and how many jobs may be reserved.
struct LauncherHealth {
    /// The launcher can start nothing, for a reason that may pass.
    struct Trouble {
        /// The launcher's last message.
        var message: String
        /// When it is tried again.
        var pacing = Pacing()
        /// Whether one job may be reserved, to see whether it can be started.
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

    /// Why nothing can be started at the moment, if that is so.
    private(set) var trouble: Trouble?
    /// The last trouble that seems to be over, until an agent has come that was launched since.
    private(set) var pastTrouble: PastTrouble?

    /// How many more jobs may be reserved.
    func freeSlots(_ shared: SharedState) -> Int { usable(shared.freeSlots, shared.ledger) }

    /// How many more could be reserved if they were known: a pool may have slots to give.
    func reachableSlots(_ shared: SharedState) -> Int { usable(shared.reachableSlots, shared.ledger) }

    /// How many of so many slots are of use to what can be started.
    func usable(_ slots: Int, _ ledger: JobLedger) -> Int {
        guard trouble != nil else { return slots }
        guard isTrying else { return 0 }
        // What is reserved already, and being reserved, is what is tried.
        return min(slots, max(0, 1 - (ledger.occupied - ledger.watched.count - ledger.stopping - ledger.settling)))
    }

    /// Whether one job may be launched, to see whether it can be started.
    var isTrying: Bool { trouble.map { $0.isTrying && $0.triedAt == nil } ?? false }

    /// When the next try is due, or the last one has succeeded.
    var wakeAt: Duration? {
        guard let trouble else { return nil }
        return trouble.isTrying ? trouble.triedAt.map { $0 + Self.startedAfter } : trouble.pacing.due
    }

    mutating func advance(_ shared: inout SharedState) {
        guard let trouble else { return }
        if let triedAt = trouble.triedAt {
            if shared.now >= triedAt + Self.startedAfter { canStart(&shared) }
        } else if trouble.isTrying || trouble.pacing.isDue(at: shared.now) {
            self.trouble?.isTrying = true
        }
        // What was on its way when the trouble came is left to those who can start it, but for the one that is tried.
        let kept = self.trouble == nil ? Int.max : isTrying ? 1 : 0
        let excess = shared.ledger.waiting.count > kept ? shared.ledger.nextToLaunch(.max).dropFirst(kept) : []
        if shared.phase == .running { for id in excess { shared.letGo(id, .cannotStart(trouble.message)) } }
    }

    /// Records that a job is launched now.
    mutating func launches(at now: Duration) {
        if trouble?.isTrying == true { trouble?.triedAt = now }
    }

    /// The launcher has started something, whatever became of it.
    private mutating func canStart(_ shared: inout SharedState) {
        guard let trouble, let triedAt = trouble.triedAt else { return }
        self.trouble = nil
        pastTrouble = PastTrouble(pacing: trouble.pacing, triedAt: triedAt)
        shared.log(.notice, "Jobs can be started again")
    }

    /// A launcher has returned, so that it has started something.
    mutating func launcherEnded(launchedAt: Duration, _ shared: inout SharedState) {
        if trouble?.triedAt == launchedAt { canStart(&shared) }
        hasStarted(launchedAt: launchedAt)
    }

    /// Records that a job has certainly been started: the next trouble is a new one.
    mutating func hasStarted(launchedAt: Duration) {
        if let pastTrouble, launchedAt >= pastTrouble.triedAt { self.pastTrouble = nil }
    }

    /// Records that a job could not be started, and gives it back.
    ///
    /// - Parameter launchedAt: When it was launched.
    mutating func cannotStart(_ id: JobID, _ message: String, launchedAt: Duration, _ shared: inout SharedState) {
        shared.letGo(id, .cannotStart(message))
        guard shared.phase == .running else { return }
        // Launches that were on their way together fail together, which counts and is logged once.
        if let trouble, trouble.triedAt != launchedAt { return }
        // Starts that are slow to fail, one after the other, are one trouble: the waits go on growing.
        var trouble = trouble ?? Trouble(message: message, pacing: pastTrouble?.pacing ?? Pacing())
        trouble.message = message
        (trouble.isTrying, trouble.triedAt) = (false, nil)
        trouble.pacing.failed(at: shared.now, retryAfter: nil, jitter: &shared.jitter)
        self.trouble = trouble
        let wait = (trouble.pacing.due - shared.now).formattedSeconds
        shared.log(.warning, "Nothing can be started right now: \(message). Trying with one job in \(wait) s")
    }

    /// Nothing more is to be started.
    mutating func drain() { trouble = nil }
}
