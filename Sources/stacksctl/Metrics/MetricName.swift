/// Names and texts as Prometheus' text format has them
/// (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details>).
enum MetricName {
    /// A label value is cropped to this many characters. The libraries' own are shorter.
    static let longestValue = 200

    /// The name for a metric that was made with `label`: counters end with `_total`, and what is timed is in seconds.
    static func exposed(_ label: String, _ kind: MetricKind) -> String {
        let name = sanitized(label, allowsColon: true)
        switch kind {
        case .counter: return name.hasSuffix("_total") ? name : "\(name)_total"
        case .timer: return name.hasSuffix("_seconds") ? name : "\(name)_seconds"
        case .gauge, .distribution: return name
        }
    }

    /// The name of a label. `le` is a histogram's own, and names that begin with two underscores are Prometheus'.
    static func label(_ name: String, of kind: MetricKind) -> String {
        let name = sanitized(name, allowsColon: false)
        let isTaken = name == "le" && (kind == .timer || kind == .distribution)
        return isTaken || name.hasPrefix("__") ? "label_\(name)" : name
    }

    private static func sanitized(_ text: String, allowsColon: Bool) -> String {
        var name = String(
            text.unicodeScalars.prefix(longestValue).map { scalar -> Character in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_": Character(scalar)
                case ":" where allowsColon: ":"
                default: "_"
                }
            })
        if name.first.map({ $0.isNumber }) ?? true { name = "_\(name)" }
        return name
    }

    /// A label's value between quotes.
    static func escapedValue(_ value: String) -> String {
        escaped(value.cropped(to: longestValue), quotes: true)
    }

    static func escapedHelp(_ text: String) -> String { escaped(text, quotes: false) }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
