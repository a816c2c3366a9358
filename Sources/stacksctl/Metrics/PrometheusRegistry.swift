import CoreMetrics
import Synchronization

/// Keeps what the libraries and the tool count, for Prometheus to scrape.
///
/// A series has a lock, or an atomic value, of its own. The registry's lock is held to look a series up or to copy the
/// list of them: neither is done by a call or a poll while its metrics exist, and neither takes longer than microseconds.
final class PrometheusRegistry: MetricsFactory {
    /// More series than the libraries' labels allow for a hundred stacks. Whatever is beyond is not kept, and counted.
    static let maximumSeries = 20_000

    private struct State {
        var families: [MetricFamily] = []
        /// Where the family of a name is.
        var places: [String: Int] = [:]
        var series = 0
        var refused = 0
    }

    private let state = Mutex(State())
    private let definitions: [String: MetricDefinition]

    /// - Parameter definitions: What is said of the metrics, by the label that they are made with.
    init(definitions: [String: MetricDefinition] = MetricDefinition.all) { self.definitions = definitions }

    /// How many metrics were not kept: there are too many, or one of the same name is of another kind.
    var refused: Int { state.withLock { $0.refused } }

    /// What there is, in the order in which it came.
    var families: [MetricFamily] { state.withLock { $0.families } }

    private func series<Series: MetricSeries>(
        _ label: String, _ dimensions: [(String, String)], _ kind: MetricKind,
        _ make: (MetricFamily, MetricLabels) -> Series
    ) -> Series? {
        let name = MetricName.exposed(label, kind)
        let labels = MetricLabels(dimensions, of: kind)
        return state.withLock { state in
            let place: Int
            if let known = state.places[name] {
                place = known
            } else if state.series < Self.maximumSeries {
                place = state.families.count
                state.places[name] = place
                state.families.append(MetricFamily(name: name, kind: kind, definition: definitions[label]))
            } else {
                state.refused += 1
                return nil
            }
            guard state.families[place].kind == kind else {
                state.refused += 1
                return nil
            }
            if let known = state.families[place].series(with: labels) { return known as? Series }
            guard state.series < Self.maximumSeries else {
                state.refused += 1
                return nil
            }
            state.series += 1
            let series = make(state.families[place], labels)
            state.families[place].add(series)
            return series
        }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter) { CounterSeries($0, $1) } ?? NOOPMetricsHandler.instance
    }

    /// A gauge, or the distribution of what was recorded.
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            series(label, dimensions, .distribution) { HistogramSeries($0, $1) } ?? NOOPMetricsHandler.instance
        } else {
            series(label, dimensions, .gauge) { GaugeSeries($0, $1) } ?? NOOPMetricsHandler.instance
        }
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge) { GaugeSeries($0, $1) } ?? NOOPMetricsHandler.instance
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .timer) { HistogramSeries($0, $1) } ?? NOOPMetricsHandler.instance
    }

    /// A counter whose value is read from somewhere at each scrape.
    func sampledCounter(_ label: String) -> GaugeSeries? { series(label, [], .counter) { GaugeSeries($0, $1) } }

    // A counter that is made again goes on from where it was: rates stay right.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
}
