import StacksAPI
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A JSON document for stdout.
///
/// Its field names are the API's, which differ from those of the Swift models, so each command builds its own document.
enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// A string, or null when there is none.
    init(_ string: String?) {
        self = string.map { .string($0) } ?? .null
    }

    /// An integer, or null when there is none.
    init(_ integer: Int?) {
        self = integer.map { .integer($0) } ?? .null
    }

    /// A date in ISO 8601, or null when there is none.
    init(_ date: Date?) {
        self = date.map { .string(iso8601($0)) } ?? .null
    }

    /// The document's text. Keys are sorted, so that two runs compare line by line, and slashes are not escaped.
    /// Invisible characters are escaped, because a terminal interprets some of them.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return VisibleText.escapedJSON(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
}

extension JSONValue: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    init(stringLiteral value: String) { self = .string(value) }

    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}

/// The API's form of a date, in UTC with milliseconds: `2026-04-01T09:30:00.000Z`.
func iso8601(_ date: Date) -> String {
    // A date with an offset can be an hour outside the years with four digits.
    ISO8601.text(date) ?? date.description
}
