import Workload

// The lines of JSON that contestants read and write, by hand: with `JSONDecoder` and `JSONEncoder` more than a megabyte of
// libraries would be resident in a process whose memory is measured.

extension Order {
    struct Malformed: Error {}

    /// Reads an order: an object whose values are integers, and strings without escapes.
    init(line: String) throws {
        let fields = try Self.fields(line)
        guard let call = fields["call"].flatMap(Call.init(rawValue:)),
            let concurrency = fields["concurrency"].flatMap({ Int($0) }),
            let calls = fields["calls"].flatMap({ Int($0) }),
            let milliseconds = fields["milliseconds"].flatMap({ Int($0) }),
            let deed = Deed(rawValue: fields["deed"] ?? Deed.answer.rawValue),
            let probe = Probe(rawValue: fields["probe"] ?? Probe.nothing.rawValue)
        else { throw Malformed() }
        self.init(call: call, concurrency: concurrency, calls: calls, milliseconds: milliseconds)
        self.deed = deed
        self.probe = probe
    }

    private static func fields(_ line: String) throws -> [String: String] {
        var texts: [String] = []
        var rest = Array(line.utf8)[...]
        while let byte = rest.first {
            if byte == UInt8(ascii: "\"") {
                rest = rest.dropFirst()
                let text = rest.prefix { $0 != UInt8(ascii: "\"") }
                if text.contains(UInt8(ascii: "\\")) || text.endIndex == rest.endIndex { throw Malformed() }
                texts.append(String(decoding: text, as: UTF8.self))
                rest = rest[text.endIndex...].dropFirst()
            } else if isPartOfNumber(byte) {
                let digits = rest.prefix(while: isPartOfNumber)
                texts.append(String(decoding: digits, as: UTF8.self))
                rest = rest[digits.endIndex...]
            } else {
                rest = rest.dropFirst()
            }
        }
        if !texts.count.isMultiple(of: 2) { throw Malformed() }
        var fields: [String: String] = [:]
        for index in stride(from: 0, to: texts.count, by: 2) { fields[texts[index]] = texts[index + 1] }
        return fields
    }

    private static func isPartOfNumber(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
    }
}

extension Greeting {
    var line: String { #"{"engine":\#(quoted(engine))}"# }
}

extension Report {
    var line: String {
        var fields: [(String, Int)] = [
            ("calls", calls), ("errors", errors), ("cpuNanoseconds", cpuNanoseconds),
            ("wallNanoseconds", wallNanoseconds), ("peakMemoryBytes", peakMemoryBytes),
            ("residentMemoryBytes", residentMemoryBytes), ("anonymousMemoryBytes", anonymousMemoryBytes),
        ]
        if let instructions { fields.append(("instructions", instructions)) }
        var parts = fields.map { name, value in #""\#(name)":\#(value)"# }
        if let firstError { parts.append(#""firstError":\#(quoted(firstError))"#) }
        if let allocations { parts.append(#""allocations":\#(allocations.text)"#) }
        if let systemCalls { parts.append(#""systemCalls":\#(systemCalls.text)"#) }
        return "{\(parts.joined(separator: ","))}"
    }
}

extension Allocations {
    fileprivate var text: String {
        let sites = sites.map { site in
            let functions = site.functions.map(quoted).joined(separator: ",")
            return #"{"count":\#(site.count),"bytes":\#(site.bytes),"functions":[\#(functions)]}"#
        }
        return #"{"count":\#(count),"bytes":\#(bytes),"sites":[\#(sites.joined(separator: ","))]}"#
    }
}

extension SystemCalls {
    fileprivate var text: String {
        #"{"sends":\#(sends),"receives":\#(receives),"writes":\#(writes),"reads":\#(reads),"polls":\#(polls),"#
            + #""socketOptions":\#(socketOptions)}"#
    }
}

/// A string of JSON.
private func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\":
            quoted.append("\\")
            quoted.unicodeScalars.append(scalar)
        case ..<" ":
            let digits = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default:
            quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
