/// Waits that grow by a constant factor up to a limit: an endless sequence of durations.
public struct Backoff: Sequence, Sendable, Hashable {
    /// The first wait.
    public var initial: Duration
    /// How many times longer each wait is than the one before.
    public var multiplier: Double
    /// The longest wait.
    public var maximum: Duration

    /// Waits that start with `initial` and grow by `multiplier` up to `maximum`.
    public init(initial: Duration, multiplier: Double, maximum: Duration) {
        self.initial = initial
        self.multiplier = multiplier
        self.maximum = maximum
    }

    /// The waits of Buildkite's Go client, `1000^(n/16+1)` ms: 1.0 s, 1.5 s, 2.4 s, 3.7 s, …, at most a minute here.
    ///
    /// The factor is the sixteenth root of 1000.
    public static let buildkite = Backoff(
        initial: .seconds(1),
        multiplier: 1.539_926_526_059_492,
        maximum: .seconds(60)
    )

    /// The wait number `index`, counted from 0.
    public func delay(_ index: Int) -> Duration {
        var delay = initial
        var remaining = index
        while remaining > 0, delay < maximum, multiplier > 1 {
            // Compared as numbers first: the product may be more than a duration holds.
            guard delay / .seconds(1) * multiplier < maximum / .seconds(1) else { return maximum }
            delay = delay * multiplier
            remaining -= 1
        }
        return Swift.min(delay, maximum)
    }

    /// The waits in order.
    public func makeIterator() -> Iterator { Iterator(backoff: self) }

    /// Walks through the waits; it never ends.
    public struct Iterator: IteratorProtocol, Sendable {
        private let backoff: Backoff
        private var index = 0

        init(backoff: Backoff) { self.backoff = backoff }

        /// The next wait.
        public mutating func next() -> Duration? {
            defer { index += 1 }
            return backoff.delay(index)
        }
    }

    var problem: String? {
        if initial < .zero || maximum < .zero { return "A backoff's waits cannot be negative: \(initial), \(maximum)." }
        guard multiplier >= 1, multiplier.isFinite else {
            return "A backoff's multiplier has to be a number from 1 up, not \(multiplier)."
        }
        return nil
    }
}
