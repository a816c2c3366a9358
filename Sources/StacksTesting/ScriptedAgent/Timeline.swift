extension ScriptedAgent {
    /// What an agent does next while a job runs: a value, which no clock moves.
    struct Timeline {
        enum Step: Equatable {
            case wait(Duration)
            case heartbeat
            case lookForCancellation
            case output(String)
            case end(exitStatus: Int, signal: String?)
            /// The agent is gone.
            case vanish
        }

        /// How often an agent does something besides running the command.
        struct Intervals {
            /// `nil` for an agent that sends no heartbeats.
            var heartbeat: Duration?
            /// `nil` for an agent that is told of a cancellation.
            var look: Duration?
        }

        /// The time since the command's start at which the next step is due.
        private(set) var elapsed = Duration.zero
        private var nextHeartbeat: Duration?
        private var nextLook: Duration?
        private var output: ArraySlice<Script.Output>
        private var end: Duration
        private var exitStatus: Int
        private var signal: String?
        private var isLost: Bool
        private let cancellation: Script.Cancellation
        private let intervals: Intervals

        init(_ script: Script, _ intervals: Intervals) {
            nextHeartbeat = intervals.heartbeat
            nextLook = intervals.look.map { _ in .zero }
            // What is written after the end is not written.
            output = script.output[...]
            end = max(.zero, script.duration)
            exitStatus = script.exitStatus
            signal = script.signal
            isLost = script.ending == .isLost
            cancellation = script.cancellation
            self.intervals = intervals
        }

        /// The next step. After `wait`, that time has passed.
        mutating func next() -> Step {
            if let due = nextHeartbeat, let interval = intervals.heartbeat, due <= elapsed, elapsed < end {
                nextHeartbeat = due + interval
                return .heartbeat
            }
            // A look at the start, however short the job is.
            if let due = nextLook, let interval = intervals.look, due <= elapsed, elapsed < end || due == .zero {
                nextLook = due + interval
                return .lookForCancellation
            }
            if let first = output.first, first.after <= elapsed {
                output.removeFirst()
                return .output(first.text)
            }
            if end <= elapsed { return isLost ? .vanish : .end(exitStatus: exitStatus, signal: signal) }
            let next = [nextHeartbeat, nextLook, output.first?.after].compactMap(\.self).reduce(end) { min($0, $1) }
            defer { elapsed = next }
            return .wait(next - elapsed)
        }

        /// Ends the command as the script says, unless it ends sooner.
        ///
        /// - Parameters:
        ///   - now: How long the command has run, if `wait` was interrupted.
        ///   - moment: When the agent learns of the cancellation; now when left out.
        /// - Returns: Whether it ends therefore.
        @discardableResult
        mutating func cancel(at now: Duration? = nil, learning moment: Duration? = nil) -> Bool {
            if let now { elapsed = min(elapsed, now) }
            let moment = max(elapsed, moment ?? elapsed)
            guard case .ends(let after, let signal) = cancellation, moment + max(.zero, after) < end else {
                return false
            }
            end = moment + max(.zero, after)
            exitStatus = -1
            self.signal = signal
            isLost = false
            return true
        }
    }
}
