extension StacksSimulator.Configuration {
    /// What the simulator tells agents, and what it keeps of their jobs.
    public struct Agents: Sendable {
        /// How often an agent asks what to do. Whole seconds from 1 to 3600.
        public var pingInterval: Duration = .seconds(2)
        /// How often an agent looks whether its job was cancelled. Whole seconds from 1 to 3600. Shorter than
        /// Buildkite's, so that a test of a cancellation is short.
        public var jobStatusInterval: Duration = .seconds(1)
        /// How often an agent says that it is alive. Whole seconds from 1 to 3600.
        public var heartbeatInterval: Duration = .seconds(10)
        /// An agent without a heartbeat for this time is lost, and its job ends as failed with the exit status -1. It should
        /// be longer than ``heartbeatInterval``.
        public var lostAfter: Duration = .seconds(180)
        /// The `Retry-After` of the response to an agent that acquires a locked job.
        public var lockedRetryAfter: Duration = .seconds(5)
        /// The largest part of a log in one request, in bytes.
        public var chunkLimit = 102_400
        /// The largest log of a job, in bytes. An agent is told it; what goes beyond is refused.
        public var logLimit = 16 << 20
        /// How much the simulator keeps of the meta-data, annotations and artifacts of one build, in bytes. What goes
        /// beyond is refused.
        public var buildDataLimit = 16 << 20
        /// Whether the simulator plays the agents of jobs itself.
        public var playing = Playing.never

        /// When the simulator plays the agent of a job, for stacks whose launcher starts none. The agent makes no requests:
        /// what it does happens by the simulator's clock, as ``SimulatedJob/Template/script`` says.
        public enum Playing: String, Sendable, Hashable, CaseIterable {
            /// Never: agents come by requests.
            case never
            /// As soon as a stack has reserved the job, for stacks that launch nothing at all.
            case reserved
            /// As soon as an acquisition token was issued for the job.
            case launched
        }

        /// Intervals for tests, and limits that jobs seldom reach.
        public init() {}
    }
}

extension StacksSimulator.Configuration.Agents {
    /// What an interval may be, in seconds. Another one is taken as the nearest that may be.
    package static let intervalSeconds = 1...3600
    /// What ``lostAfter`` may be for the simulator as a program, in seconds.
    package static let lostAfterSeconds = 1...86_400
}

extension Duration {
    /// An interval as an agent is told it.
    package var wholeSeconds: Int {
        let range = StacksSimulator.Configuration.Agents.intervalSeconds
        return min(max(range.lowerBound, Int(clamping: components.seconds)), range.upperBound)
    }
}
