import StacksAPI

/// Why nothing is launched but one job at a time, and when the next one is.
struct LauncherTrouble {
    enum Cause: Sendable {
        /// A launcher has said that it can start nothing at the moment: see ``LauncherUnavailable``.
        case unavailable
        /// Launches end before an agent has taken their job.
        case failing
    }

    enum Stage {
        /// Nothing is launched before this time.
        case waiting(until: Duration)
        /// One job may be reserved and launched.
        case trying
        /// That job was launched.
        case tried(JobID, at: Duration)
    }

    let cause: Cause
    /// What the launcher has said last, for people.
    private(set) var message: String
    private(set) var stage = Stage.trying
    /// How often it has failed in a row: the launches with which it began count once, then each try does.
    private(set) var failures = 0

    init(_ cause: Cause, _ message: String) { (self.cause, self.message) = (cause, message) }

    /// Whether one job may be reserved and launched.
    var isTrying: Bool { if case .trying = stage { true } else { false } }

    /// When the job that is tried was launched.
    var triedAt: Duration? { if case .tried(_, let time) = stage { time } else { nil } }

    /// How many failed tries are enough for a controller that ends by itself: about half a minute of launches that fail, and
    /// five minutes of a launcher that can start nothing.
    var isHopeless: Bool { failures > (cause == .failing ? 3 : 10) }

    /// Whether this launch of the job is the one that is tried.
    func isTry(_ id: JobID, launchedAt: Duration) -> Bool {
        if case .tried(id, launchedAt) = stage { true } else { false }
    }

    mutating func mayTry() { stage = .trying }

    mutating func tries(_ id: JobID, at now: Duration) { stage = .tried(id, at: now) }

    /// Waits for the next try: 1, 2, 4 … 60 s, each times 0.5…1.5, when the launcher can start nothing, and 5, 10, 20 … 300 s
    /// when launches fail.
    mutating func failed(_ message: String, at now: Duration, _ jitter: inout Jitter) {
        self.message = message
        failures += 1
        let wait: Duration =
            switch cause {
            case .unavailable: Pacing.wait(afterFailures: failures, &jitter)
            case .failing: min(.seconds(5 << min(failures - 1, 6)), .seconds(300))
            }
        stage = .waiting(until: now + wait)
    }

    /// Why a job is given back because of it.
    var returnReason: ReturnReason { cause == .failing ? .launchesFail(message) : .cannotStart(message) }

    /// Why a job waits because of it.
    var notice: JobNotice { cause == .failing ? .waitsWhileLaunchesFail(message) : .waitsForLauncher(message) }
}
