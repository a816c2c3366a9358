/// What a metric is.
enum MetricKind: Hashable {
    case counter
    case gauge
    /// A histogram of durations.
    case timer
    /// A histogram of other values.
    case distribution

    /// The word of the exposition format.
    var word: StaticString {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .timer, .distribution: "histogram"
        }
    }
}

/// The series of one name, which differ in their labels.
struct MetricFamily: Sendable {
    let name: String
    let kind: MetricKind
    /// What stands before the series.
    let head: [UInt8]
    /// The upper bounds of the buckets of a histogram.
    let bounds: [Double]
    private(set) var series: [any MetricSeries] = []
    private var places: [MetricLabels: Int] = [:]

    init(name: String, kind: MetricKind, definition: MetricDefinition?) {
        self.name = name
        self.kind = kind
        bounds = definition?.bounds ?? MetricDefinition.callBounds
        let help = MetricName.escapedHelp(definition?.help ?? "Not described")
        head = Array("# HELP \(name) \(help)\n# TYPE \(name) \(kind.word)\n".utf8)
    }

    func series(with labels: MetricLabels) -> (any MetricSeries)? { places[labels].map { series[$0] } }

    mutating func add(_ new: any MetricSeries) {
        places[new.labels] = series.count
        series.append(new)
    }
}

/// The labels of a series, as they are exposed.
struct MetricLabels: Hashable, Sendable {
    /// Without braces: `stack="mac",outcome="seen"`.
    let text: String
    /// The value of the label `stack`: the series belongs to it.
    let stack: String?

    init(_ dimensions: [(String, String)], of kind: MetricKind) {
        var names: Set<String> = []
        var parts: [String] = []
        for (name, value) in dimensions {
            let name = MetricName.label(name, of: kind)
            // A label stands once.
            guard names.insert(name).inserted else { continue }
            parts.append("\(name)=\"\(MetricName.escapedValue(value))\"")
        }
        text = parts.joined(separator: ",")
        stack = dimensions.first { $0.0 == "stack" }?.1
    }

    /// What a line of a series begins with, up to its value.
    func line(_ name: String, suffix: String = "", adding label: String = "") -> [UInt8] {
        let all = text.isEmpty ? label : label.isEmpty ? text : "\(text),\(label)"
        return Array((all.isEmpty ? "\(name)\(suffix) " : "\(name)\(suffix){\(all)} ").utf8)
    }
}
