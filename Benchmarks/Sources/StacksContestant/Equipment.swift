import CoreMetrics
import Logging
import StacksAPI
import StacksTransport
import Synchronization
import Workload

/// How much a client is asked to do besides its calls.
package enum Equipment: Sendable {
    /// Nothing that can be left out: neither pacing nor retries, budget, log or metrics.
    case bare
    /// The defaults, without retries: a failure is to be seen, not to be repeated.
    case standard
    /// Everything: pacing, retries with their budget, a log at level `info`, and metrics that are counted.
    case full

    func client(baseURL: String, transport: any HTTPTransport) throws -> StacksClient {
        var configuration = StacksClient.Configuration()
        configuration.baseURL = baseURL
        var logger: Logger?
        switch self {
        case .bare:
            configuration.retryPolicy = .never
            configuration.retryBudget = nil
            configuration.pacesRequests = false
        case .standard:
            configuration.retryPolicy = .never
        case .full:
            configuration.metricsFactory = CountedMetrics()
            logger = Logger(label: "benchmark") { _ in SilentLog() }
        }
        return try StacksClient(
            token: WireRequest.token, transport: transport, configuration: configuration, logger: logger)
    }
}

/// Takes everything from `info` up, as a service's log commonly does, and writes nothing.
private struct SilentLog: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {}
}

/// Counters and timers that are added up, each in one atomic number: what a metrics backend does at the least.
private final class CountedMetrics: MetricsFactory {
    private final class Sum: CounterHandler, TimerHandler, RecorderHandler {
        private let value = Atomic<Int64>(0)
        func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
        func reset() { value.store(0, ordering: .relaxed) }
        func recordNanoseconds(_ duration: Int64) { value.wrappingAdd(duration, ordering: .relaxed) }
        func record(_ value: Int64) { self.value.wrappingAdd(value, ordering: .relaxed) }
        func record(_ value: Double) { record(Int64(value)) }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { Sum() }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler { Sum() }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { Sum() }
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
}
