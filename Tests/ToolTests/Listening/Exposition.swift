import Testing

/// Prometheus' text format, read as strictly as the tests need it: one description and type before a name's samples, no
/// sample twice, escapes as they are defined, whole histograms.
struct Exposition {
    struct Sample: Hashable {
        var name: String
        var labels: [String: String]
    }

    struct Problem: Error, CustomStringConvertible {
        var description: String
        init(_ what: String, _ line: String) { description = "\(what): \(line)" }
    }

    private(set) var types: [String: String] = [:]
    private(set) var help: [String: String] = [:]
    private(set) var samples: [Sample: Double] = [:]

    init(_ text: String) throws {
        guard text.isEmpty || text.hasSuffix("\n") else {
            throw Problem("no line end at the end", String(text.suffix(80)))
        }
        var family = ""
        var done: Set<String> = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let line = String(line)
            if line.hasPrefix("# HELP ") {
                let parts = line.dropFirst(7).split(separator: " ", maxSplits: 1)
                guard parts.count == 2, help[String(parts[0])] == nil else { throw Problem("HELP", line) }
                help[String(parts[0])] = String(parts[1])
            } else if line.hasPrefix("# TYPE ") {
                let parts = line.dropFirst(7).split(separator: " ").map(String.init)
                guard parts.count == 2, ["counter", "gauge", "histogram"].contains(parts[1]), types[parts[0]] == nil,
                    help[parts[0]] != nil
                else { throw Problem("TYPE", line) }
                types[parts[0]] = parts[1]
                done.insert(family)
                family = parts[0]
                guard !done.contains(family) else { throw Problem("a name's samples are not together", line) }
            } else {
                let (sample, value) = try Self.sample(line)
                let isHistogram = types[family] == "histogram"
                let names = isHistogram ? ["_bucket", "_sum", "_count"].map { family + $0 } : [family]
                guard names.contains(sample.name) else { throw Problem("a sample of another name", line) }
                guard samples.updateValue(value, forKey: sample) == nil else { throw Problem("twice", line) }
            }
        }
        for (name, type) in types where type == "histogram" { try checkHistogram(name) }
    }

    /// The value of a sample with these labels.
    subscript(_ name: String, _ labels: [String: String]) -> Double? { samples[Sample(name: name, labels: labels)] }

    private static func sample(_ line: String) throws -> (Sample, Double) {
        var rest = line[...]
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }
        guard let first = name.first, !first.isNumber else { throw Problem("no name", line) }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                rest = rest.dropFirst(label.count)
                guard !label.isEmpty, rest.hasPrefix("=\"") else { throw Problem("no label", line) }
                rest = rest.dropFirst(2)
                var value = ""
                while let character = rest.popFirst(), character != "\"" {
                    guard character == "\\" else {
                        value.append(character)
                        continue
                    }
                    switch rest.popFirst() {
                    case "n": value += "\n"
                    case "\\": value += "\\"
                    case "\"": value += "\""
                    default: throw Problem("an escape that there is not", line)
                    }
                }
                guard labels.updateValue(value, forKey: String(label)) == nil else {
                    throw Problem("label twice", line)
                }
                if rest.first == "," { rest = rest.dropFirst() }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " " else { throw Problem("no value", line) }
        let special = ["+Inf": Double.infinity, "-Inf": -.infinity, "NaN": .nan]
        let text = String(rest.dropFirst())
        guard let value = special[text] ?? Double(text) else { throw Problem("no number", line) }
        return (Sample(name: String(name), labels: labels), value)
    }

    /// Buckets never fall, and the last one is the count.
    private func checkHistogram(_ name: String) throws {
        var series: [[String: String]: [(bound: Double, count: Double)]] = [:]
        for (sample, value) in samples where sample.name == "\(name)_bucket" {
            var labels = sample.labels
            let text = labels.removeValue(forKey: "le") ?? ""
            guard let bound = text == "+Inf" ? .infinity : Double(text) else { throw Problem("le", "\(sample)") }
            series[labels, default: []].append((bound, value))
        }
        for (labels, buckets) in series {
            let sorted = buckets.sorted { $0.bound < $1.bound }
            let counts = sorted.map(\.count)
            guard counts == counts.sorted(), sorted.last?.bound == .infinity,
                self["\(name)_count", labels] == counts.last, self["\(name)_sum", labels] != nil
            else { throw Problem("not a whole histogram", "\(name) \(labels)") }
        }
    }
}
