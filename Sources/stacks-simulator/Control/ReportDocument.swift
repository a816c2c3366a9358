import StacksTesting

/// `GET report`.
struct ReportDocument: Codable {
    struct Latency: Codable {
        @Nullable var p50: Double?
        @Nullable var p99: Double?
    }

    /// Jobs that were added.
    var scheduled: Int
    var by_state: [String: Int]
    var reserved: Int
    var launched: Int
    var finished: Int
    var cancelled: Int
    var launched_twice: Int
    var lost: Int
    var reservations_expired: Int
    /// From scheduled to the agent's start, milliseconds.
    var dispatch_latency_ms: Latency
    var connections: Int
    var http_versions: [String: Int]
    var requests: [String: Int]
    var rate_limited: [String: Int]
    var responses_by_status: [String: Int]
    var faults: Int

    init(_ report: SimulatorReport, connections: (connections: Int, requests: [String: Int])) {
        func milliseconds(_ quantile: Double) -> Double? {
            report.dispatchLatency(quantile: quantile).map { ($0 / .microseconds(1)).rounded() / 1000 }
        }
        func named<Key>(_ counts: [Key: Int], _ name: (Key) -> String) -> [String: Int] {
            Dictionary(uniqueKeysWithValues: counts.map { (name($0.key), $0.value) })
        }
        scheduled = report.added
        by_state = named(report.jobsByState, \.rawValue)
        reserved = report.reserved
        launched = report.launched
        finished = report.finished
        cancelled = report.cancelled
        launched_twice = report.launchedTwice
        lost = report.lost
        reservations_expired = report.reservationsExpired
        dispatch_latency_ms = Latency(p50: milliseconds(0.5), p99: milliseconds(0.99))
        self.connections = connections.connections
        http_versions = connections.requests
        requests = named(report.requests, \.rawValue)
        rate_limited = named(report.rateLimited, \.rawValue)
        responses_by_status = named(report.responsesByStatus) { String($0) }
        faults = report.faults
    }
}
