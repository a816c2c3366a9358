/// Makes text from elsewhere fit for a line of a log, a message or a terminal: what cannot be seen is written as an
/// escape.
///
/// A pipeline's rules and branches, servers' messages and header fields come from people who may want a line of the log
/// to look like two, a cursor to move, or a text to read otherwise than it is. Escaped are control characters (C0, DEL,
/// C1), separators of lines and paragraphs, marks that turn the direction of a text around, tag characters, whatever
/// else has no width, and what Unicode has not assigned.
package enum VisibleText {
    /// How many characters of a text from elsewhere a line of the log has room for.
    package static let lineLimit = 1000

    /// The text with an escape (`\n`, `\u{1b}`) for each character that is not seen.
    ///
    /// It takes time for no more than `limit` characters (Unicode scalars), whatever the length of the text.
    ///
    /// - Parameters:
    ///   - limit: How many characters are kept; `…` stands for those after them.
    ///   - keepsLines: Whether line feeds stay, for a text of several lines that is the program's own.
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

    /// A JSON document's text with JSON's own escapes for characters that are not seen: the same document, fit for a
    /// terminal. Line feeds stay: outside of strings they part its lines, and in strings JSON has escaped them already.
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

    /// Whether the character is not seen where it stands, or changes how others are.
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
