public import StacksAPI

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// What a controller is doing: a snapshot.
public struct ControllerStatus: Sendable, Hashable {
    /// Where a controller is in its own life.
    public enum Phase: String, Sendable, Hashable {
        /// Not run yet.
        case idle
        /// Registering the stack.
        case registering
        /// Looking for jobs and launching them.
        case running
        /// Takes no new jobs, lets the running ones end.
        case draining
        /// De-registering the stack.
        case deregistering
        /// Ended.
        case ended
    }

    /// Jobs by what became of them since the controller was started. Every number only grows.
    public struct Totals: Sendable, Hashable {
        /// Listed for the first time.
        public var seen = 0
        /// Listed, and their rules did not match the stack's tags.
        public var unmatched = 0
        /// Listed, and skipped because they could not be read.
        public var unreadable = 0
        /// Listed for the first time by a dry run, and would be started. Counted in a dry run alone.
        public var matching = 0
        /// Reserved for this stack.
        public var reserved = 0
        /// Asked for, and not reserved: another stack was faster, or the job was cancelled.
        public var notReserved = 0
        /// Given to the launcher.
        public var launched = 0
        /// Ended after an agent had taken them, whatever the job's own result.
        public var finished = 0
        /// Cancelled before an agent took them; their launcher was stopped.
        public var cancelled = 0
        /// Finished by the controller with an error, because the launcher ended before an agent had taken them.
        public var failed = 0
        /// Given back or released: not launched, not acquired by their agent (exit 27 or 28), or no longer ours.
        public var released = 0
        /// Jobs whose launcher ended before an agent had taken them, of which Buildkite could not be told. Those that were
        /// given back, or whose report was lost, count as ``released`` or ``failed`` too.
        public var unreported = 0
    }

    /// Jobs by what is being done with them now.
    public struct Current: Sendable, Hashable {
        /// Scheduled and matching, not requested yet, as of the last poll that counted them: see
        /// ``ControllerStatus/sinceWaitingCount``.
        public var waiting = 0
        /// Being reserved, or reserved and not launched.
        public var reserved = 0
        /// Launched, or found at the start; no agent has taken them as far as is known.
        public var launching = 0
        /// Taken by an agent.
        public var running = 0
        /// Their launcher was told to stop and has not ended yet.
        public var stopping = 0
        /// Those of ``stopping`` whose launcher has not ended for long: see
        /// ``StackController/Configuration/stopTimeout``.
        public var unresponsive = 0
        /// The launcher has ended, or the job was given back; calls to Buildkite about it remain.
        public var settling = 0

        /// How many slots are taken: ``settling`` ones too, because they may be reserved for this stack until it is known
        /// better.
        public var inFlight: Int { reserved + launching + running + stopping + settling }
    }

    /// The job that has been scheduled for longest of those that wait here.
    public struct WaitingJob: Sendable, Hashable {
        /// Its UUID.
        public var job: JobID
        /// Since when it is scheduled, by the server's clock.
        public var scheduledAt: Date?
        /// For how long this controller has known it, by its own clock.
        public var waited: Duration
    }

    /// Why the controller starts nothing.
    public enum IdleReason: Sendable, Hashable, CaseIterable, CustomStringConvertible {
        /// The queue's dispatch is paused.
        case paused
        /// Every slot is taken.
        case full
        /// Nothing is scheduled.
        case nothingScheduled
        /// Jobs are scheduled, and none matches the stack's tags.
        case nothingMatches
        /// Buildkite asks for fewer requests.
        case rateLimited
        /// Buildkite cannot be reached at the moment.
        case unreachable
        /// Jobs are reserved, and Buildkite issues no token for them.
        case noToken
        /// Reservations or token requests get a 404, although Buildkite knows the stack.
        case endpointMissing
        /// The launcher can start nothing at the moment: see ``LauncherUnavailable``.
        case cannotStart
        /// Three launches in a row have ended before an agent had taken their job: one job at a time is tried. See
        /// ``JobLauncher``.
        case launchesFail
        /// The controller is starting or ending.
        case notRunning
        /// It is a dry run.
        case dryRun

        /// The reason in a few words.
        public var description: String {
            switch self {
            case .paused: "the queue is paused"
            case .full: "every slot is taken"
            case .nothingScheduled: "nothing is scheduled"
            case .nothingMatches: "no scheduled job matches the stack's tags"
            case .rateLimited: "Buildkite rate-limits the requests"
            case .unreachable: "Buildkite cannot be reached"
            case .noToken: "Buildkite issues no token for the reserved jobs"
            case .endpointMissing: "a needed endpoint responds with 404"
            case .cannotStart: "the launcher cannot start anything right now"
            case .launchesFail: "launches end before an agent has taken their job"
            case .notRunning: "the controller is starting or ending"
            case .dryRun: "this is a dry run"
            }
        }
    }

    /// Where the controller is in its own life.
    public var phase: Phase = .idle
    /// Jobs by what became of them.
    public var totals = Totals()
    /// Jobs by what is being done with them.
    public var current = Current()
    /// How many slots there are: ``StackController/Configuration/maximumInFlight``.
    public var slots = 0
    /// The job that waits for a slot for longest; `nil` when none does.
    public var oldestWaiting: WaitingJob?
    /// How long ago the last successful poll was; `nil` before the first.
    public var sinceLastPoll: Duration?
    /// How long ago the waiting jobs were counted; `nil` before the first time. While nothing can be started one job is
    /// requested at a time, and the number stays as it was, minus the jobs reserved since.
    public var sinceWaitingCount: Duration?
    /// Whether the list was read to its end when the waiting jobs were counted. If not there are at least as many.
    public var knowsAllWaiting = true
    /// The time until the next try, after a poll or a registration that failed; `nil` when none has.
    public var retriesIn: Duration?
    /// Whether the queue's dispatch is paused, by the last poll.
    public var isPaused = false
    /// Why the controller starts nothing, or `nil` when it starts jobs.
    public var idleReason: IdleReason?
    /// What the launcher says, for people, while it can start nothing, or how the last launch ended while launches fail;
    /// `nil` when the launcher works.
    public var startTrouble: String?
    /// The last failure of a call, for people; `nil` once the same kind of call has succeeded again.
    public var lastFailure: String?

    /// A controller that has not run.
    public init() {}

    /// Everything in one line.
    public var summary: String {
        var parts = [
            phase.rawValue,
            "\(totals.seen) seen, \(totals.reserved) reserved, \(totals.launched) launched, \(totals.finished) finished, "
                + "\(totals.cancelled) cancelled, \(totals.failed) failed, \(totals.released) released",
            "now \(waitingText), \(current.reserved) reserved, \(current.launching) launching, "
                + "\(current.running) running",
        ]
        if totals.unreadable > 0 { parts.append("\(totals.unreadable) unreadable") }
        if current.stopping > 0 { parts.append("\(current.stopping) stopping") }
        if current.unresponsive > 0 { parts.append("\(current.unresponsive) unresponsive") }
        if let oldestWaiting { parts.append("the oldest waits for \(oldestWaiting.waited.formattedSeconds) s") }
        if let sinceLastPoll {
            parts.append("polled \(sinceLastPoll.formattedSeconds) s ago")
        } else {
            parts.append("not polled yet")
        }
        if let retriesIn { parts.append("retries in \(retriesIn.formattedSeconds) s") }
        if let idleReason {
            let isLaunchers = idleReason == .cannotStart || idleReason == .launchesFail
            let why = isLaunchers ? startTrouble.map { " (\($0))" } ?? "" : ""
            parts.append("nothing starts: \(idleReason)\(why)")
        }
        return parts.joined(separator: "; ")
    }

    /// The number of waiting jobs, with its age where it is older than the last poll.
    package var waitingText: String {
        let text = "\(knowsAllWaiting ? "" : "at least ")\(current.waiting) waiting"
        guard let sinceWaitingCount, let sinceLastPoll, sinceWaitingCount > sinceLastPoll else { return text }
        return "\(text) (counted \(sinceWaitingCount.formattedSeconds) s ago)"
    }
}

extension Duration {
    /// Seconds with one digit after the point; locales and Foundation are not needed for it.
    var formattedSeconds: String {
        let (seconds, attoseconds) = components
        // Apart from the seconds, of which ten times as many may be too many.
        let tenth = abs(attoseconds / 100_000_000_000_000_000)
        return "\(seconds == 0 && attoseconds < 0 && tenth > 0 ? "-" : "")\(seconds).\(tenth)"
    }
}
