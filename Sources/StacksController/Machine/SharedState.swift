import Logging
import StacksAPI

/// What the concerns of a controller share: the ledger of its jobs, its phase, the clock, and what this step wants done.
struct SharedState {
    /// The most jobs of one request (`job_uuids`).
    static let maximumBatch = 1000

    private(set) var configuration: StackController.Configuration
    var jitter: Jitter
    /// The time of this step, since the controller was started. A clock that is set back does not take it along.
    private(set) var now: Duration = .zero

    private(set) var phase: ControllerStatus.Phase = .idle
    /// When the stack was registered first.
    private(set) var runningSince: Duration = .zero
    /// Why it ends, if that is an error.
    private(set) var fatal: StackControllerError?

    var totals = ControllerStatus.Totals()
    var ledger = JobLedger()
    /// How many slots the jobs may take.
    var slots: SlotUse
    /// Jobs that are let go of, and those that are left alone for a while.
    var givingBack = GivingBack()
    /// What was shown on jobs' pages.
    var notices = Notices()
    /// What went wrong with calls.
    var failures = CallFailures()
    /// Whether a poll is needed soon: after a 404 it tells whether the stack is known, and after a change other jobs may match.
    var needsPoll = false
    /// Whether a renewal is needed soon: it tells whether a job that is reserved is so for this stack.
    var needsRenewal = false

    private(set) var actions: [ControllerAction] = []

    init(configuration: StackController.Configuration, seed: UInt64, sharesSlots: Bool) {
        self.configuration = configuration
        slots = SlotUse(isShared: sharesSlots)
        jitter = Jitter(seed: seed)
    }

    // MARK: A step

    mutating func beginStep(at time: Duration) {
        actions = []
        now = max(now, time)
    }

    mutating func takeActions() -> [ControllerAction] {
        defer { actions = [] }
        return actions
    }

    mutating func wants(_ action: ControllerAction) { actions.append(action) }

    mutating func asks(_ request: ControllerRequest) { actions.append(.request(request)) }

    mutating func log(_ level: Logger.Level, _ message: String, _ job: JobID? = nil) {
        log(level, message, LogFacts(job: job))
    }

    mutating func log(_ level: Logger.Level, _ message: String, _ facts: LogFacts) {
        actions.append(.log(level, message, facts))
    }

    mutating func configured(_ configuration: StackController.Configuration) {
        self.configuration = configuration
        slots.mustReport = true
        needsPoll = true
    }

    // MARK: Slots

    /// How many more jobs may take one.
    var freeSlots: Int { slots.free(ledger, most: configuration.maximumInFlight) }

    /// How many more could take one if they were known: see ``SlotUse/reachable(_:most:)``.
    var reachableSlots: Int { slots.reachable(ledger, most: configuration.maximumInFlight) }

    // MARK: The phase

    /// No request to Buildkite will succeed.
    var isCutOff: Bool { fatal?.code == .unauthorized }

    mutating func begin() { phase = .registering }

    mutating func run() { (phase, runningSince) = (.running, now) }

    /// Takes no further jobs: what is reserved and not launched is given back, what runs may end.
    mutating func drain(_ reason: String) {
        guard phase == .running || phase == .registering else { return }
        log(.notice, "\(reason): taking no further jobs, \(ledger.launchers) are running")
        phase = .draining
        for id in ledger.awaitingToken.sorted() { letGo(id, .ending) }
    }

    /// Ends for a reason that waiting does not cure. Running jobs are let end: their agents have tokens of their own.
    mutating func stop(_ error: StackControllerError) {
        guard fatal == nil else { return }
        fatal = error
        // It is thrown at the end. While jobs run that may be far away, so it is logged at once too.
        log(ledger.launchers > 0 ? .critical : .debug, error.message)
        drain("Stopping")
    }

    mutating func deregister() {
        phase = .deregistering
        asks(.deregister)
    }

    mutating func end() { phase = .ended }

    // MARK: Jobs

    /// An agent had the job, and is done.
    mutating func completed(_ id: JobID) {
        guard ledger.remove(id) != nil else { return }
        totals.finished += 1
        givingBack.cool(id, .ended, at: now)
    }

    /// The job was cancelled before an agent took it.
    mutating func cancelled(_ id: JobID) {
        ledger.remove(id)
        totals.cancelled += 1
        givingBack.cool(id, .ended, at: now)
    }
}
