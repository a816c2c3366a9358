import CoreMetrics
import Foundation
import Testing

@testable import stacksctl

@Suite("The text for Prometheus")
struct MetricsTextTests {
    private let registry = PrometheusRegistry()

    private func text(stacks: Set<String> = ["mac"]) throws -> Exposition {
        try Exposition(String(decoding: ExpositionText(registry.families, stacks: stacks).bytes, as: UTF8.self))
    }

    @Test("a counter ends with _total, is added up, and there is one of it however often it is made")
    func counters() throws {
        for _ in 0..<3 {
            Counter(label: "stacks_api_call_errors", dimensions: [("code", "notFound")], factory: registry)
                .increment(by: 2)
        }
        let text = try text()
        #expect(text["stacks_api_call_errors_total", ["code": "notFound"]] == 6)
        #expect(text.types["stacks_api_call_errors_total"] == "counter")
        #expect(text.help["stacks_api_call_errors_total"] == "Failed calls, by the code of their error")
    }

    @Test("a gauge has no line before it was set, and then its last value, a fraction or not a number too")
    func gauges() throws {
        let gauge = Gauge(label: "stacksctl_slots", dimensions: [], factory: registry)
        let empty = try text()
        #expect(empty.samples.isEmpty && empty.types.isEmpty)
        gauge.record(3)
        #expect(try text()["stacksctl_slots", [:]] == 3)
        gauge.record(0.25)
        #expect(try text()["stacksctl_slots", [:]] == 0.25)
        gauge.record(Double.nan)
        let nothing = try #require(try text()["stacksctl_slots", [:]])
        #expect(nothing.isNaN)
        gauge.record(-Double.infinity)
        #expect(try text()["stacksctl_slots", [:]] == -.infinity)
        let meter = Meter(label: "meter", dimensions: [], factory: registry)
        meter.increment(by: 2.5)
        meter.decrement(by: 1.0)
        #expect(try text()["meter", [:]] == 1.5)
    }

    @Test("a timer is a histogram in seconds: a value on a bound is in its bucket, one above all in the last")
    func timers() throws {
        let timer = Timer(
            label: "stacks_controller_run_duration", dimensions: [("stack", "mac")], factory: registry)
        for seconds in [0, 1, 1.5, 3600, 100_000] { timer.recordSeconds(seconds) }
        let text = try text()
        func bucket(_ bound: String) -> Double? {
            text["stacks_controller_run_duration_seconds_bucket", ["stack": "mac", "le": bound]]
        }
        #expect(bucket("1") == 2 && bucket("5") == 3 && bucket("3600") == 4 && bucket("86400") == 4)
        #expect(bucket("+Inf") == 5)
        #expect(text["stacks_controller_run_duration_seconds_sum", ["stack": "mac"]] == 103_602.5)
    }

    @Test("what is in a label's value stays in it", arguments: ["a\"b", "back\\slash", "two\nlines", "\u{202e}x", ""])
    func labelValues(value: String) throws {
        Counter(label: "hostile", dimensions: [("stack", "mac"), ("scope", value)], factory: registry).increment()
        #expect(try text()["hostile_total", ["stack": "mac", "scope": value]] == 1)
    }

    @Test("names become those that Prometheus takes, and a value that is too long is cropped")
    func names() throws {
        let long = String(repeating: "x", count: 100_000)
        Counter(
            label: "7 odd.näme", dimensions: [("le-gal", "1"), ("le-gal", "2"), ("__own", long)], factory: registry
        )
        .increment()
        Timer(label: "odd", dimensions: [("le", "1")], factory: registry).recordSeconds(1)
        let text = try text()
        let cropped = String(repeating: "x", count: MetricName.longestValue) + "…"
        #expect(text["_7_odd_n_me_total", ["le_gal": "1", "label___own": cropped]] == 1)
        #expect(text["odd_seconds_count", ["label_le": "1"]] == 1)
    }

    @Test("two kinds of one name, and more series than there can be, are not kept but counted")
    func refused() throws {
        Counter(label: "both_total", dimensions: [], factory: registry).increment()
        Gauge(label: "both_total", dimensions: [], factory: registry).record(5)
        #expect(try text()["both_total", [:]] == 1)
        #expect(registry.refused == 1)
        for number in 0...PrometheusRegistry.maximumSeries {
            Counter(label: "many", dimensions: [("number", "\(number)")], factory: registry).increment()
        }
        #expect(registry.refused == 3)
        #expect(try text().samples.count == PrometheusRegistry.maximumSeries)
    }

    @Test("the metrics of a stack that is gone are not told, and go on where they were when it comes back")
    func stacks() throws {
        Counter(label: "jobs", dimensions: [("stack", "gone")], factory: registry).increment()
        Counter(label: "jobs", dimensions: [("stack", "mac")], factory: registry).increment()
        let told = try text()
        #expect(told.samples.keys.map { $0.labels["stack"] } == ["mac"])
        Counter(label: "jobs", dimensions: [("stack", "gone")], factory: registry).increment()
        #expect(try text(stacks: ["gone"])["jobs_total", ["stack": "gone"]] == 2)
    }

    @Test("nothing that a call or a poll needs is held while the text is made")
    func locks() throws {
        let labels = MetricLabels([], of: .counter)
        let meddler = Meddler(labels: labels, registry: registry)
        Timer(label: "stacks_api_call_duration", dimensions: [], factory: registry).recordSeconds(1)
        var families = registry.families
        families[0].add(meddler)
        // Each of these would wait for ever for a lock that is held: they are made in the middle of the text.
        #expect(!ExpositionText(families, stacks: []).bytes.isEmpty)
        #expect(meddler.writes.count == 1)
        #expect(try text()["stacks_api_call_duration_seconds_count", [:]] == 2)
    }

    /// A series that uses the registry, and another series, while it is written.
    private final class Meddler: MetricSeries {
        let labels: MetricLabels
        let writes = Counts()
        private let registry: PrometheusRegistry

        init(labels: MetricLabels, registry: PrometheusRegistry) {
            (self.labels, self.registry) = (labels, registry)
        }

        func write(to text: inout ExpositionText) {
            writes.add()
            Counter(label: "new", dimensions: [], factory: registry).increment()
            Timer(label: "stacks_api_call_duration", dimensions: [], factory: registry).recordSeconds(1)
        }
    }

    @Test("this process's own numbers have the usual names")
    func process() throws {
        ProcessMetrics(in: registry, startedAt: Date(timeIntervalSince1970: 1000)).update()
        let text = try text()
        #expect(text.types["process_cpu_seconds_total"] == "counter")
        #expect(text["process_cpu_seconds_total", [:]] ?? 0 > 0)
        #expect(text["process_start_time_seconds", [:]] == 1000)
        let open = try #require(text["process_open_fds", [:]])
        let limit = try #require(text["process_max_fds", [:]])
        #expect(open >= 3 && open <= limit)
        #if os(Linux)
            let resident = try #require(text["process_resident_memory_bytes", [:]])
            let virtual = try #require(text["process_virtual_memory_bytes", [:]])
            #expect(resident > 1_000_000 && resident <= virtual)
        #endif
    }
}

@Suite("The descriptions of metrics")
struct MetricDescriptionTests {
    @Test(
        "are those of the article that lists them, and none is missing",
        arguments: [
            ("StacksAPI/StacksAPI.docc/Metrics.md", MetricDefinition.client, 4),
            ("StacksController/StacksController.docc/RunningInProduction.md", MetricDefinition.controller, 3),
        ])
    func articles(path: String, definitions: [String: MetricDefinition], column: Int) throws {
        let article = try String(contentsOf: Checkout.root.appending(path: "Sources/\(path)"), encoding: .utf8)
        var described: [String: String] = [:]
        for line in article.split(separator: "\n") where line.hasPrefix("| `stacks_") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let text = cells[column].replacing(/: ``[^`]*``/, with: "").replacing("`", with: "")
            described[cells[0].trimmingCharacters(in: ["`"])] = text.prefix(1).uppercased() + text.dropFirst()
        }
        #expect(described == definitions.mapValues(\.help))
    }

    @Test("of this tool are in the article too, by the names that Prometheus sees")
    func tool() throws {
        let path = "Sources/StacksController/StacksController.docc/RunningInProduction.md"
        let article = try String(contentsOf: Checkout.root.appending(path: path), encoding: .utf8)
        for (label, definition) in MetricDefinition.tool {
            let name = label == "stacksctl_dispatch_latency" ? "\(label)_seconds" : label
            let row = article.split(separator: "\n").first { $0.hasPrefix("| `\(name)` |") }
            #expect(row?.contains(definition.help) == true, "\(name)")
        }
    }
}
