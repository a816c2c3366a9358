import SeededRandom

/// When something that is done again and again is due: at intervals while it succeeds, later and later while it fails.
struct Pacing {
    /// The longest wait after failures, unless the server asks for more.
    static let longestWait = Duration.seconds(60)

    /// When it may be done next.
    var due: Duration = .zero
    /// Whether it is being done.
    var isInFlight = false
    /// How often it has failed in a row.
    private(set) var failures = 0

    /// Whether it may be done at `now`.
    func isDue(at now: Duration) -> Bool { !isInFlight && now >= due }

    /// When it is to be looked at, if it is wanted and nothing is being waited for.
    func due(if isWanted: Bool) -> Duration? { isWanted && !isInFlight ? due : nil }

    mutating func succeeded(next: Duration) {
        isInFlight = false
        failures = 0
        due = next
    }

    /// Waits 1, 2, 4 … 60 s, each times 0.5…1.5, so that many controllers do not come back together; a wait that the
    /// server asked for is kept, with up to a tenth more.
    mutating func failed(at now: Duration, retryAfter: Duration?, jitter: inout Jitter) {
        isInFlight = false
        failures += 1
        let doubled = Duration.seconds(1 << min(failures - 1, 6))
        let own = min(doubled, Self.longestWait) * jitter.next(in: 0.5..<1.5)
        due = now + (retryAfter.map { max($0 * jitter.next(in: 1..<1.1), .milliseconds(100)) } ?? own)
    }
}

/// What makes waits differ: the same seed, the same run.
struct Jitter {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func next(in range: Range<Double>) -> Double {
        range.lowerBound + random.fraction() * (range.upperBound - range.lowerBound)
    }
}
