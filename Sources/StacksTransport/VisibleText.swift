/// Escapes the invisible characters of untrusted text before it goes to a log, a message or a terminal.
///
/// Agent query rules, branch names, servers' messages and header fields are untrusted: they could forge a log line, move
/// the cursor, or reverse the reading direction. Escaped are control characters (C0, DEL, C1), line and paragraph
/// separators, bidirectional controls, tag characters, other characters without width, and unassigned code points.
package enum VisibleText {
    /// The number of characters of untrusted text that a log line holds at most.
    package static let lineLimit = 1000

    /// The text with an escape (`\n`, `\u{1b}`) for each invisible character.
    ///
    /// It reads no more than `limit` characters, whatever the length of the text.
    ///
    /// - Parameters:
    ///   - limit: The number of characters (Unicode scalars) to keep; `…` replaces the rest.
    ///   - keepsLines: Whether to keep line feeds, for a multi-line text of the program's own.
    package static func escaped(_ text: String, limit: Int = .max, keepsLines: Bool = false) -> String {
        let head = limit == .max ? text.utf8.prefix(.max) : text.utf8.prefix(limit + 1)
        if head.count <= limit, head.allSatisfy({ 0x20..<0x7F ~= $0 }) { return text }
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == limit { return result + "…" }
            count += 1
            append(scalar, to: &result, keepsLines: keepsLines)
        }
        return result
    }

    /// A JSON document with JSON's own escapes for invisible characters: the same document, safe for a terminal. Line
    /// feeds stay, because JSON allows them only between values.
    package static func escapedJSON(_ document: String) -> String {
        if document.utf8.allSatisfy({ 0x20..<0x7F ~= $0 || $0 == 0x0A }) { return document }
        var result = ""
        for scalar in document.unicodeScalars {
            guard isHidden(scalar), scalar != "\n" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            for unit in UTF16.encode(scalar)! {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }
        }
        return result
    }

    private static func append(_ scalar: Unicode.Scalar, to result: inout String, keepsLines: Bool) {
        switch scalar {
        case "\n" where keepsLines: result += "\n"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where isHidden(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }

    /// Whether the character is invisible or changes how others are displayed.
    package static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20..<0x7F: return false
        case ..<0xA0: return true
        default: break
        }
        if scalar.properties.isDefaultIgnorableCodePoint { return true }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned: return true
        default: return false
        }
    }
}
