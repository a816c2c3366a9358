extension ScriptedAgent {
    /// What the job's command does, and what becomes of the agent meanwhile.
    public struct Script: Sendable, Hashable {
        /// Something that the command writes to its log.
        public struct Output: Sendable, Hashable {
            /// The time since the command's start.
            public var after: Duration
            /// The text.
            public var text: String

            /// Creates an output.
            public init(_ text: String, after: Duration = .zero) {
                self.after = after
                self.text = text
            }
        }

        /// What the command does when the agent learns that the job was cancelled.
        public enum Cancellation: Sendable, Hashable {
            /// It ends by a signal, after a while.
            case ends(after: Duration, signal: String)
            /// It goes on to its end.
            case isIgnored
        }

        /// What becomes of the agent.
        public enum Ending: String, Sendable, Hashable, CaseIterable {
            /// It finishes the job when the command has ended.
            case finishes
            /// It is gone after ``Script/duration`` without another request, as after `kill -9`, so that its server loses it.
            case isLost = "lost"
            /// It ends after ``Script/duration`` with ``Script/exitStatus``, and has made no request.
            case neverStarts = "never-starts"
        }

        /// What it writes, in this order.
        public var output: [Output]
        /// How long it takes.
        public var duration: Duration
        /// Its exit status.
        public var exitStatus: Int
        /// The signal that ends it, `SIGKILL` for example, or `nil`. The exit status is then -1 by convention.
        public var signal: String?
        /// What it does when the job was cancelled.
        public var cancellation: Cancellation
        /// How long the agent takes until it registers, as one does whose machine has to boot.
        public var startsAfter: Duration
        /// What becomes of the agent.
        public var ending: Ending

        /// Creates a script.
        ///
        /// - Parameters:
        ///   - log: What it writes at its start.
        ///   - duration: How long it takes.
        ///   - exitStatus: Its exit status.
        ///   - signal: The signal that ends it, or `nil`.
        ///   - cancellation: What it does when the job was cancelled.
        ///   - startsAfter: How long the agent takes until it registers.
        ///   - ending: What becomes of the agent.
        public init(
            log: String = "", duration: Duration = .zero, exitStatus: Int = 0, signal: String? = nil,
            cancellation: Cancellation = .ends(after: .zero, signal: "SIGTERM"), startsAfter: Duration = .zero,
            ending: Ending = .finishes
        ) {
            output = log.isEmpty ? [] : [Output(log)]
            self.duration = duration
            self.exitStatus = exitStatus
            self.signal = signal
            self.cancellation = cancellation
            self.startsAfter = startsAfter
            self.ending = ending
        }
    }
}
