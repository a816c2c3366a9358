import CoreMetrics
import Synchronization

/// One series of a metric, and its lines.
protocol MetricSeries: AnyObject, Sendable {
    var labels: MetricLabels { get }
    /// Adds the lines, or nothing while there is no value.
    func write(to text: inout ExpositionText)
}

/// A number that only grows.
final class CounterSeries: MetricSeries, CounterHandler {
    let labels: MetricLabels
    private let line: [UInt8]
    private let value = Atomic<Int64>(0)

    init(_ family: MetricFamily, _ labels: MetricLabels) {
        self.labels = labels
        line = labels.line(family.name)
    }

    func increment(by amount: Int64) { if amount > 0 { value.wrappingAdd(amount, ordering: .relaxed) } }

    func reset() { value.store(0, ordering: .relaxed) }

    func write(to text: inout ExpositionText) { text.add(line, value.load(ordering: .relaxed)) }
}

/// A number that goes up and down. It has no line before it was set: zero would be a claim.
final class GaugeSeries: MetricSeries, RecorderHandler, MeterHandler {
    /// A NaN that no computation gives.
    private static let unset = UInt64.max

    let labels: MetricLabels
    private let line: [UInt8]
    private let value = Atomic<UInt64>(GaugeSeries.unset)

    init(_ family: MetricFamily, _ labels: MetricLabels) {
        self.labels = labels
        line = labels.line(family.name)
    }

    func set(_ new: Double) { value.store(new.isNaN ? Double.nan.bitPattern : new.bitPattern, ordering: .relaxed) }
    func set(_ new: Int64) { set(Double(new)) }
    func record(_ new: Double) { set(new) }
    func record(_ new: Int64) { set(Double(new)) }

    func increment(by amount: Double) {
        var old = value.load(ordering: .relaxed)
        while true {
            let new = (old == Self.unset ? 0 : Double(bitPattern: old)) + amount
            let outcome = value.compareExchange(
                expected: old, desired: new.isNaN ? Double.nan.bitPattern : new.bitPattern, ordering: .relaxed)
            if outcome.exchanged { return }
            old = outcome.original
        }
    }

    func decrement(by amount: Double) { increment(by: -amount) }

    func write(to text: inout ExpositionText) {
        let bits = value.load(ordering: .relaxed)
        if bits != Self.unset { text.add(line, Double(bitPattern: bits)) }
    }
}

/// How many values were at most as large as each of some bounds.
final class HistogramSeries: MetricSeries, TimerHandler, RecorderHandler {
    private struct State {
        /// The last one counts what is above all bounds.
        var counts: [UInt64]
        var sum = 0.0
    }

    let labels: MetricLabels
    private let bounds: [Double]
    /// A line for each bucket, the one without a bound included, then for the sum and the count.
    private let lines: [[UInt8]]
    private let state: Mutex<State>

    init(_ family: MetricFamily, _ labels: MetricLabels) {
        self.labels = labels
        bounds = family.bounds
        let buckets = bounds.map { "\(ExpositionText.number($0))" } + ["+Inf"]
        lines =
            buckets.map { labels.line(family.name, suffix: "_bucket", adding: "le=\"\($0)\"") }
            + [labels.line(family.name, suffix: "_sum"), labels.line(family.name, suffix: "_count")]
        state = Mutex(State(counts: Array(repeating: 0, count: buckets.count)))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(max(0, duration)) * 1e-9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] &+= 1
            state.sum += value
        }
    }

    func write(to text: inout ExpositionText) {
        let state = state.withLock { $0 }
        var count: UInt64 = 0
        for (bucket, line) in zip(state.counts, lines) {
            count &+= bucket
            text.add(line, Int64(truncatingIfNeeded: count))
        }
        text.add(lines[bounds.count + 1], state.sum)
        text.add(lines[bounds.count + 2], Int64(truncatingIfNeeded: count))
    }
}
