/// How long things took, in a fixed amount of memory however many there were.
///
/// Durations are counted in buckets each wider than the one before by a part that the scale says, from 1 ms to more than a
/// day, so a quantile is at most that much too high.
struct LatencyHistogram: Sendable, Equatable {
    /// How wide the buckets are.
    enum Scale: Sendable {
        /// Each a twentieth wider than the one before.
        case fine
        /// Each a quarter wider: where there are many histograms.
        case coarse

        /// The upper bound of each bucket in milliseconds; the last takes everything above.
        fileprivate var bounds: [Double] { self == .fine ? Self.fineBounds : Self.coarseBounds }

        private static let fineBounds = bounds(growth: 1.05)
        private static let coarseBounds = bounds(growth: 1.25)

        private static func bounds(growth: Double) -> [Double] {
            Array(sequence(first: 1.0) { $0 < 90_000_000 ? $0 * growth : nil })
        }
    }

    private let scale: Scale
    private var counts: [Int]
    private(set) var count = 0
    private(set) var maximum = Duration.zero

    init(_ scale: Scale = .fine) {
        self.scale = scale
        counts = [Int](repeating: 0, count: scale.bounds.count)
    }

    /// Counts one. A negative duration, which clocks that differ can give, counts as zero.
    mutating func record(_ duration: Duration) {
        let milliseconds = max(0, duration / .milliseconds(1))
        let bounds = scale.bounds
        let bucket = bounds.firstIndex { milliseconds <= $0 } ?? bounds.count - 1
        counts[bucket] += 1
        count += 1
        maximum = max(maximum, duration)
    }

    /// Counts all that another one of the same scale has counted.
    mutating func add(_ other: LatencyHistogram) {
        for bucket in counts.indices where bucket < other.counts.count { counts[bucket] += other.counts[bucket] }
        count += other.count
        maximum = max(maximum, other.maximum)
    }

    /// The duration that the fraction `quantile` of all did not exceed; `nil` when nothing was counted.
    func duration(quantile: Double) -> Duration? {
        guard count > 0 else { return nil }
        let rank = max(1, Int((quantile * Double(count)).rounded(.up)))
        var sum = 0
        for (bucket, bound) in zip(counts, scale.bounds) {
            sum += bucket
            if sum >= rank { return min(maximum, .milliseconds(1) * bound) }
        }
        return maximum
    }
}
