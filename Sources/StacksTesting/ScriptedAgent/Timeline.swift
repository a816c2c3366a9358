extension ScriptedAgent {
    /// What an agent does next while a job runs: a value, which no clock moves.
    struct Timeline {
        enum Step: Equatable {
            case wait(Duration)
            case heartbeat
            case lookForCancellation
            case output(String)
            case end(exitStatus: Int, signal: String?)
        }

        private var elapsed = Duration.zero
        private var nextHeartbeat: Duration
        private var nextLook = Duration.zero
        private var output: ArraySlice<Script.Output>
        private var end: Duration
        private var exitStatus: Int
        private var signal: String?
        private let cancellation: Script.Cancellation
        private let intervals: (heartbeat: Duration, look: Duration)

        init(_ script: Script, _ terms: Session.Terms) {
            nextHeartbeat = terms.heartbeatInterval
            // What is written after the end is not written.
            output = script.output[...]
            end = max(.zero, script.duration)
            exitStatus = script.exitStatus
            signal = script.signal
            cancellation = script.cancellation
            intervals = (terms.heartbeatInterval, terms.jobStatusInterval)
        }

        /// The next step. After `wait`, that time has passed.
        mutating func next() -> Step {
            if nextHeartbeat <= elapsed, elapsed < end {
                nextHeartbeat += intervals.heartbeat
                return .heartbeat
            }
            // A look at the start, however short the job is.
            if nextLook <= elapsed, elapsed < end || nextLook == .zero {
                nextLook += intervals.look
                return .lookForCancellation
            }
            if let first = output.first, first.after <= elapsed {
                output.removeFirst()
                return .output(first.text)
            }
            if end <= elapsed { return .end(exitStatus: exitStatus, signal: signal) }
            var next = min(nextHeartbeat, nextLook, end)
            if let first = output.first { next = min(next, first.after) }
            defer { elapsed = next }
            return .wait(next - elapsed)
        }

        /// Ends the command as the script says, unless it ends sooner.
        mutating func cancel() {
            guard case .ends(let after, let signal) = cancellation, elapsed + max(.zero, after) < end else { return }
            end = elapsed + max(.zero, after)
            exitStatus = -1
            self.signal = signal
        }
    }
}
