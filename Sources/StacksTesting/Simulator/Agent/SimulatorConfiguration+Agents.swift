extension StacksSimulator.Configuration {
    /// What the simulator tells agents, and what it keeps of their jobs.
    public struct Agents: Sendable {
        /// How often an agent asks what to do. Whole seconds, at least 1.
        public var pingInterval: Duration = .seconds(2)
        /// How often an agent looks whether its job was cancelled. Whole seconds, at least 1. Shorter than Buildkite's, so
        /// that a test of a cancellation is short.
        public var jobStatusInterval: Duration = .seconds(1)
        /// How often an agent says that it is alive. Whole seconds, at least 1.
        public var heartbeatInterval: Duration = .seconds(10)
        /// An agent without a heartbeat for this time is lost, and its job ends as failed with the exit status -1.
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

        /// Intervals for tests, and limits that jobs seldom reach.
        public init() {}
    }
}

extension Duration {
    /// The duration in whole seconds, at least 1.
    var wholeSeconds: Int { Int(clamping: max(1, components.seconds)) }
}
