import Logging
import StacksTransport

/// A line of a log as one JSON object (RFC 8259), whatever its texts hold.
///
/// `time`, `level`, `logger`, `source` and `message` come first, and no metadata can replace them: a value of such a
/// name, or of one that is there already, is `metadata.NAME`. A number is a number and a duration a number of seconds.
/// Characters that are not seen are escaped, so that a terminal shows the line as it is. What would make it longer than
/// ``sizeLimit`` is left out, and `truncated` says so.
struct JSONLine {
    /// The size in bytes from which on nothing more is added. The last value that is added can exceed it.
    static let sizeLimit = 65_536
    /// How deep values are written that hold others.
    private static let depthLimit = 8
    /// A longer name is left out.
    private static let nameLimit = 100

    private var line = ""
    private var isTruncated = false
    /// The names of the outermost object.
    private var names: Set<String> = ["time", "level", "logger", "source", "message", "truncated"]

    init(time: WallTime, level: Logger.Level, message: String, limit: Int, label: String, source: String?) {
        line = "{\"time\":\"\(time.utc)\",\"level\":\"\(level)\",\"logger\":"
        append(label, limit: Self.nameLimit)
        if let source {
            line += ",\"source\":"
            append(source, limit: Self.nameLimit)
        }
        line += ",\"message\":"
        append(message, limit: limit)
    }

    /// Adds values, sorted by name.
    mutating func add(_ metadata: Logger.Metadata) {
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            guard hasRoom(for: name) else { continue }
            var unique = name
            while !names.insert(unique).inserted { unique = "metadata.\(unique)" }
            line += ","
            append(unique, limit: .max)
            line += ":"
            append(value, depth: 1)
        }
    }

    /// The line, without its end.
    var text: String { line + (isTruncated ? ",\"truncated\":true}" : "}") }

    /// Whether one more value is written.
    private mutating func hasRoom(for name: String = "") -> Bool {
        let hasRoom = line.utf8.count < Self.sizeLimit && name.utf8.count <= Self.nameLimit
        if !hasRoom { isTruncated = true }
        return hasRoom
    }

    // MARK: Values

    private mutating func append(_ value: Logger.MetadataValue, depth: Int) {
        switch value {
        case .string(let text): append(text, limit: LogLine.textLimit)
        case .stringConvertible(let value): append(value)
        case .array(let values):
            appendList("[", "]", values.indices, depth: depth) { line, index in
                line.append(values[index], depth: depth + 1)
            }
        case .dictionary(let members):
            let sorted = members.sorted { $0.key < $1.key }
            appendList("{", "}", sorted.indices, depth: depth) { line, index in
                // The names differ, and so do they when they are written.
                line.append(sorted[index].key, limit: .max)
                line.line += ":"
                line.append(sorted[index].value, depth: depth + 1)
            }
        }
    }

    private mutating func appendList(
        _ start: String, _ end: String, _ indices: Range<Int>, depth: Int, _ element: (inout JSONLine, Int) -> Void
    ) {
        line += start
        if depth >= Self.depthLimit, !indices.isEmpty {
            isTruncated = true
        } else {
            for index in indices {
                guard hasRoom() else { break }
                if index > 0 { line += "," }
                element(&self, index)
            }
        }
        line += end
    }

    private mutating func append(_ value: any CustomStringConvertible & Sendable) {
        switch value {
        case let duration as Duration: line += duration.secondsText
        case let truth as Bool: line += truth ? "true" : "false"
        case let number as any BinaryInteger: line += "\(number)"
        default: append(value.description, limit: LogLine.textLimit)
        }
    }

    /// Appends a text of at most `limit` characters; `…` replaces the rest. It reads no more than that.
    private mutating func append(_ text: String, limit: Int) {
        line += "\""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == limit {
                line += "…"
                break
            }
            count += 1
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case _ where VisibleText.isHidden(scalar):
                for unit in UTF16.encode(scalar)! {
                    let digits = String(unit, radix: 16)
                    line += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }
}

extension Duration {
    /// The number of seconds in JSON: `1.5`. Digits beyond the microsecond are left out.
    fileprivate var secondsText: String {
        let (seconds, attoseconds) = components
        let microseconds = abs(attoseconds / 1_000_000_000_000)
        let sign = seconds < 0 || attoseconds < 0 ? "-" : ""
        guard microseconds > 0 else { return seconds == 0 ? "0" : "\(seconds)" }
        var digits = String(microseconds)
        digits = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(sign)\(seconds.magnitude).\(digits)"
    }
}
