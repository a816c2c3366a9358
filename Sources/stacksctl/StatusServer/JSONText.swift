import StacksAPI
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes a JSON document, value by value, in linear time.
///
/// What is not seen, or could move a terminal's cursor, is escaped as JSON has it: `curl` prints the document as it is.
struct JSONText {
    private(set) var bytes: [UInt8] = []
    /// Whether the next value of the innermost object or array is its first.
    private var isFirst = true

    // MARK: Structure

    mutating func object(_ body: (inout JSONText) -> Void) { enclose("{", "}", body) }

    mutating func object(_ name: StaticString, _ body: (inout JSONText) -> Void) {
        key(name)
        enclose("{", "}", body)
    }

    mutating func array<Elements: Sequence>(
        _ name: StaticString, _ elements: Elements, _ body: (inout JSONText, Elements.Element) -> Void
    ) {
        key(name)
        enclose("[", "]") { text in
            for element in elements {
                text.separate()
                body(&text, element)
            }
        }
    }

    private mutating func enclose(_ open: StaticString, _ close: StaticString, _ body: (inout JSONText) -> Void) {
        raw(open)
        isFirst = true
        body(&self)
        raw(close)
        isFirst = false
    }

    private mutating func key(_ name: StaticString) {
        separate()
        raw("\"")
        raw(name)
        raw("\":")
    }

    private mutating func separate() {
        if !isFirst { raw(",") }
        isFirst = false
    }

    private mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes += $0 }
    }

    // MARK: Fields, null when there is no value

    mutating func field(_ name: StaticString, _ value: String?) {
        key(name)
        if let value { string(value) } else { raw("null") }
    }

    mutating func field(_ name: StaticString, _ value: Int?) {
        key(name)
        if let value { number(value) } else { raw("null") }
    }

    mutating func field(_ name: StaticString, _ value: Bool) {
        key(name)
        raw(value ? "true" : "false")
    }

    /// A time in seconds, with milliseconds.
    mutating func field(_ name: StaticString, seconds value: Duration?) {
        key(name)
        if let value { seconds(value) } else { raw("null") }
    }

    mutating func field(_ name: StaticString, _ date: Date?) {
        self.field(name, date.flatMap { ISO8601.text($0) })
    }

    // MARK: Values of arrays

    mutating func number(_ value: Int) { bytes += Array(String(value).utf8) }

    mutating func seconds(_ value: Duration?) {
        guard let value else { return raw("null") }
        let milliseconds = Int((value / .milliseconds(1)).rounded().clamped)
        bytes += Array("\(Double(milliseconds) / 1000)".utf8)
    }

    mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        if text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            bytes += text.utf8
        } else {
            for scalar in text.unicodeScalars { append(scalar) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": raw("\\\"")
        case "\\": raw("\\\\")
        case "\n": raw("\\n")
        case _ where VisibleText.isHidden(scalar):
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                bytes += Array("\\u\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)".utf8)
            }
        default: bytes += Array(String(scalar).utf8)
        }
    }
}

extension Double {
    /// The number, or the nearest that an integer of milliseconds can be.
    fileprivate var clamped: Double { self.isNaN ? 0 : Swift.min(Swift.max(self, -1e15), 1e15) }
}
