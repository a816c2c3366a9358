import StacksTransport

/// When a repeated action is due: at intervals while it succeeds, with growing waits while it fails.
struct Pacing {
    /// The longest wait after failures, unless the server asks for more.
    static let longestWait = Duration.seconds(60)

    /// The longest wait that a server is granted. What it asks for beyond is more often a mistake than meant, and to ask
    /// once in five minutes costs nobody anything.
    static let longestAskedWait = Duration.seconds(300)

    /// When it may be done next.
    var due: Duration = .zero
    /// Whether it is being done.
    var isInFlight = false
    /// How often it has failed in a row.
    private(set) var failures = 0

    /// Whether it may be done at `now`.
    func isDue(at now: Duration) -> Bool { !isInFlight && now >= due }

    /// When it is due, if it is wanted and not in flight.
    func due(if isWanted: Bool) -> Duration? { isWanted && !isInFlight ? due : nil }

    mutating func succeeded(next: Duration) {
        isInFlight = false
        failures = 0
        due = next
    }

    /// How long to wait after so many failures in a row: 1, 2, 4 … 60 s, each times 0.5…1.5, so that many controllers do not
    /// come back together.
    static func wait(afterFailures failures: Int, _ jitter: inout Jitter) -> Duration {
        min(.seconds(1 << min(failures - 1, 6)), longestWait) * jitter.next(in: 0.5..<1.5)
    }

    /// Waits for longer and longer. A wait that the server asked for is respected, with up to a tenth more, and of one above
    /// five minutes these, with up to a tenth less.
    mutating func failed(at now: Duration, retryAfter: Duration?, jitter: inout Jitter) {
        isInFlight = false
        failures += 1
        let own = Self.wait(afterFailures: failures, &jitter)
        // Compared before anything is done with it: the product may be more than a duration holds.
        let granted = retryAfter.map { asked in
            guard asked < Self.longestAskedWait else { return Self.longestAskedWait * jitter.next(in: 0.9..<1) }
            // A server that asks for no wait again and again is not asked ten times a second.
            let wait = max(asked * jitter.next(in: 1..<1.1), failures > 1 ? .seconds(1) : .milliseconds(100))
            return min(wait, Self.longestAskedWait)
        }
        due = now + (granted ?? own)
    }

    /// Waits until `instant` at least.
    mutating func putOff(to instant: Duration) { due = max(due, instant) }
}

/// What makes waits differ: the same seed, the same run.
struct Jitter {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func next(in range: Range<Double>) -> Double {
        range.lowerBound + random.fraction() * (range.upperBound - range.lowerBound)
    }
}

/// The earlier one of two times, of which either may never come.
func earliest(_ one: Duration?, _ other: Duration?) -> Duration? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
}
