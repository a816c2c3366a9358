public import StacksAPI

/// The jobs that a controller has anything to do with: a snapshot, made when it is asked for.
public struct ControllerJobs: Sendable, Hashable {
    /// What is being done with a job. ``ControllerStatus/Current`` counts the same.
    public enum Stage: String, Sendable, Hashable, CaseIterable {
        /// Being reserved, or reserved and not launched.
        case reserved
        /// Launched, or found at the start; no agent has taken it as far as is known.
        case launching
        /// Taken by an agent.
        case running
        /// Its launcher was told to stop and has not ended yet.
        case stopping
        /// The launcher has ended, or the job was given back; calls to Buildkite about it remain.
        case settling
    }

    /// A job that takes a slot.
    public struct Job: Sendable, Hashable, Identifiable {
        /// Its UUID.
        public var id: JobID
        /// What is being done with it.
        public var stage: Stage
        /// For how long it has been in its stage.
        public var inStage: Duration
        /// For how long the controller has known it, from when it was listed first or found running.
        public var known: Duration
        /// How long ago it was launched, or found running; `nil` before that.
        public var sinceLaunch: Duration?
        /// Whether its launcher was cancelled and has not ended for long: see ``ControllerStatus/Current/unresponsive``.
        public var isUnresponsive: Bool
        /// The job as it was listed; `nil` for one that was found running at the start.
        public var listed: ScheduledJob?
    }

    /// The jobs that take a slot, the one that has been known for longest first.
    public var inFlight: [Job] = []

    /// The job that waits for longest, as it was listed: the one of ``ControllerStatus/oldestWaiting``.
    public var oldestWaiting: ScheduledJob?

    /// No jobs.
    public init() {}
}

extension StackController {
    /// The jobs that take a slot, with what is known of each, and the one that waits for longest.
    ///
    /// A controller that nobody asks keeps nothing for this. For an answer its loop makes one step and goes through its
    /// jobs once, so the cost is linear in those in flight, however many wait.
    ///
    /// - Returns: Nothing when the controller does not run, or the task was cancelled. While something blocks the
    ///   controller's threads there is no answer: see ``liveness(tolerance:)``.
    public func jobs() async -> ControllerJobs {
        var jobs = await questions.ask { mailbox.wake() }
        jobs.inFlight.sort { ($1.known, $0.id) < ($0.known, $1.id) }
        return jobs
    }
}
