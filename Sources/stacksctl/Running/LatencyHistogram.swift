/// How long things took, in a fixed amount of memory however many there were.
///
/// Durations are counted in buckets each a twentieth wider than the one before, from 1 ms to more than a day, so a
/// quantile is at most 5 % too high.
struct LatencyHistogram: Sendable, Equatable {
    private static let growth = 1.05
    /// The upper bound of each bucket in milliseconds; the last takes everything above.
    private static let bounds: [Double] = Array(sequence(first: 1.0) { $0 < 90_000_000 ? $0 * growth : nil })

    private var counts = [Int](repeating: 0, count: bounds.count)
    private(set) var count = 0
    private(set) var maximum = Duration.zero

    /// Counts one. A negative duration, which clocks that differ can give, counts as zero.
    mutating func record(_ duration: Duration) {
        let milliseconds = max(0, duration / .milliseconds(1))
        let bucket = Self.bounds.firstIndex { milliseconds <= $0 } ?? Self.bounds.count - 1
        counts[bucket] += 1
        count += 1
        maximum = max(maximum, duration)
    }

    /// The duration that the fraction `quantile` of all did not exceed; `nil` when nothing was counted.
    func duration(quantile: Double) -> Duration? {
        guard count > 0 else { return nil }
        let rank = max(1, Int((quantile * Double(count)).rounded(.up)))
        var sum = 0
        for (bucket, bound) in zip(counts, Self.bounds) {
            sum += bucket
            if sum >= rank { return min(maximum, .milliseconds(1) * bound) }
        }
        return maximum
    }
}
