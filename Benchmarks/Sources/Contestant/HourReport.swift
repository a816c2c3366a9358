/// What a controller with one kind of load costs in an hour of a clock that jumps from one deadline to the next: one
/// line of JSON.
package struct HourReport: Codable, Sendable {
    /// What the controller has to do.
    package enum Load: String, Codable, CodingKeyRepresentable, CaseIterable, Sendable {
        /// Nothing is scheduled, and nothing runs.
        case idle
        /// 100 jobs run, half of the slots are free, and nothing is scheduled.
        case running
        /// 10 000 jobs are scheduled, and twenty at a time work for six seconds each.
        case launched
        /// 100 000 jobs are scheduled that do not match the stack's tags.
        case unmatched

        package var title: String {
            switch self {
            case .idle: "idle"
            case .running: "100 running jobs"
            case .launched: "20 slots always busy"
            case .unmatched: "100 000 unmatched jobs"
            }
        }

        package var jobs: Int {
            switch self {
            case .idle: 0
            case .running: 100
            case .launched: 10_000
            case .unmatched: 100_000
            }
        }

        /// The only rule of the jobs.
        package var rule: String? { self == .unmatched ? "os=none" : nil }

        /// How much of the hour passes; the figures are those of a whole one. A long list is read again and again.
        package var seconds: Int {
            switch self {
            case .idle, .running: 3600
            case .launched: 1200
            case .unmatched: 600
            }
        }
    }

    package var load: Load
    /// Whether the calls ran on the transport's executor.
    package var usesExecutor: Bool
    /// For how many seconds of the clock it was measured.
    package var seconds: Int
    /// CPU time of the process, in nanoseconds, for an hour. Without a network the simulator's is in it.
    package var cpuNanoseconds: Int
    /// For an hour.
    package var requests: Int
    /// Those of them that listed scheduled jobs.
    package var polls: Int
    /// Jobs launched in an hour.
    package var launched: Int
    /// Bytes of paths and bodies for an hour, or with a network those of the HTTP/2 frames.
    package var bytesSent: Int
    package var bytesReceived: Int
    package var peakMemoryBytes: Int

    package init(load: Load, usesExecutor: Bool, seconds: Int) {
        self.load = load
        self.usesExecutor = usesExecutor
        self.seconds = seconds
        (cpuNanoseconds, requests, polls, launched) = (0, 0, 0, 0)
        (bytesSent, bytesReceived, peakMemoryBytes) = (0, 0, 0)
    }
}
