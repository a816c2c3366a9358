import StacksController

/// What one stack of a run has done, in both output formats.
struct StackReport {
    var stack: String
    var queue: String
    var totals: ControllerStatus.Totals
    var isDryRun = false
    var dispatchLatencies: LatencyHistogram

    /// Counts what a controller has done that the stack had before.
    mutating func add(_ former: StackReport) {
        totals = totals + former.totals
        dispatchLatencies.add(former.dispatchLatencies)
    }

    /// A figure with its name in JSON and its label for people.
    struct Figure {
        var name: String
        var label: String
        var value: Int?
        var unit = ""

        var shown: String? { value.map { "\($0)\(unit)" } }
    }

    /// How many jobs came to what.
    var counts: [Figure] {
        var counts = [
            Figure(name: "seen", label: "jobs seen", value: totals.seen),
            Figure(name: "unmatched", label: "not matching the tags", value: totals.unmatched),
            Figure(name: "reserved", label: "reserved", value: totals.reserved),
            Figure(name: "not_reserved", label: "not reserved", value: totals.notReserved),
            Figure(name: "launched", label: "launched", value: totals.launched),
            Figure(name: "finished", label: "finished", value: totals.finished),
            Figure(name: "cancelled", label: "cancelled", value: totals.cancelled),
            Figure(name: "failed", label: "failed before the start", value: totals.failed),
            Figure(name: "released", label: "given back", value: totals.released),
        ]
        if totals.unreported > 0 {
            counts.append(Figure(name: "unreported", label: "not reported", value: totals.unreported))
        }
        if isDryRun {
            counts.insert(Figure(name: "suiting", label: "would have started", value: totals.matching), at: 2)
        }
        return counts
    }

    /// From a job's scheduling to its launch.
    var latencies: [Figure] {
        let latencies: [(name: String, value: Duration?)] = [
            ("p50", dispatchLatencies.duration(quantile: 0.5)),
            ("p99", dispatchLatencies.duration(quantile: 0.99)),
            ("max", dispatchLatencies.count > 0 ? dispatchLatencies.maximum : nil),
        ]
        return latencies.map { name, value in
            Figure(name: name, label: "scheduled to launched, \(name)", value: value?.milliseconds, unit: " ms")
        }
    }

    var members: [String: JSONValue] {
        func object(_ figures: [Figure]) -> JSONValue {
            .object(Dictionary(figures.map { ($0.name, JSONValue($0.value)) }) { _, last in last })
        }
        return [
            "stack": .string(stack), "queue": .string(queue), "jobs": object(counts),
            "dispatch_latency_ms": object(latencies),
        ]
    }
}

extension ControllerStatus.Totals {
    fileprivate static func + (one: Self, other: Self) -> Self {
        let counts: [WritableKeyPath<Self, Int>] = [
            \.seen, \.unmatched, \.unreadable, \.matching, \.reserved, \.notReserved, \.launched, \.finished,
            \.cancelled, \.failed, \.released, \.unreported,
        ]
        return counts.reduce(into: one) { $0[keyPath: $1] += other[keyPath: $1] }
    }
}

extension Duration {
    /// Whole milliseconds, rounded.
    fileprivate var milliseconds: Int { Int((self / .milliseconds(1)).rounded()) }
}
