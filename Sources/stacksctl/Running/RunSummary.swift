import StacksController

/// The summary that `run` prints at the end.
struct RunSummary {
    var stack: String
    var queue: String
    var totals: ControllerStatus.Totals
    var isDryRun = false
    var dispatchLatencies: LatencyHistogram
    var requests: Int
    var httpVersions: [String]
    /// `nil` when the transport does not count them.
    var connectionsOpened: Int?

    /// Why a run that was to run every job once is no success, or `nil` when it is.
    var failure: Failure? {
        var problems: [String] = []
        if totals.failed > 0 {
            problems.append(
                "\(totals.failed) of the jobs failed: their command ended before an agent acquired them.")
        }
        if totals.unreported > 0 {
            problems.append(
                "Buildkite could not be told of \(totals.unreported) jobs whose command ended before an agent acquired "
                    + "them.")
        }
        return problems.isEmpty ? nil : .refused(problems.joined(separator: " "))
    }

    /// The same facts in both output formats.
    var result: CommandResult {
        var counts: [(name: String, label: String, value: Int)] = [
            ("seen", "jobs seen", totals.seen),
            ("unmatched", "not matching the tags", totals.unmatched),
            ("reserved", "reserved", totals.reserved),
            ("not_reserved", "not reserved", totals.notReserved),
            ("launched", "launched", totals.launched),
            ("finished", "finished", totals.finished),
            ("cancelled", "cancelled", totals.cancelled),
            ("failed", "failed before the start", totals.failed),
            ("released", "given back", totals.released),
        ]
        if totals.unreported > 0 { counts.append(("unreported", "not reported", totals.unreported)) }
        if isDryRun { counts.insert(("suiting", "would have started", totals.matching), at: 2) }
        let latencies: [(name: String, value: Duration?)] = [
            ("p50", dispatchLatencies.duration(quantile: 0.5)),
            ("p99", dispatchLatencies.duration(quantile: 0.99)),
            ("max", dispatchLatencies.count > 0 ? dispatchLatencies.maximum : nil),
        ]
        var properties = PropertyList()
        properties.add("stack", stack)
        properties.add("queue", queue)
        for count in counts { properties.add(count.label, String(count.value)) }
        for latency in latencies {
            properties.add("scheduled to launched, \(latency.name)", latency.value.map { "\($0.milliseconds) ms" })
        }
        properties.add("requests", String(requests))
        properties.add("HTTP version", httpVersions.joined(separator: ", "))
        properties.add("connections opened", connectionsOpened.map { String($0) })
        return CommandResult(
            members: [
                "stack": .string(stack),
                "queue": .string(queue),
                "jobs": .object(Dictionary(counts.map { ($0.name, .integer($0.value)) }) { _, last in last }),
                "dispatch_latency_ms": .object(
                    Dictionary(latencies.map { ($0.name, JSONValue($0.value?.milliseconds)) }) { _, last in last }
                ),
                "requests": .integer(requests),
                "http_versions": .array(httpVersions.map { .string($0) }),
                "connections_opened": JSONValue(connectionsOpened),
            ],
            lines: properties.lines
        )
    }
}

extension Duration {
    /// Whole milliseconds, rounded.
    fileprivate var milliseconds: Int { Int((self / .milliseconds(1)).rounded()) }
}
