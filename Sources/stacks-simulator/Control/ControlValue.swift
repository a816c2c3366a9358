import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A JSON value of the control side.
indirect enum ControlValue: Codable, Sendable, Hashable {
    case null
    case truth(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([ControlValue])
    case object([String: ControlValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([String: ControlValue].self) {
            self = .object(value)
        } else if let value = try? container.decode(Bool.self) {
            self = .truth(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else {
            self = .list(try container.decode([ControlValue].self))
        }
    }

    /// The value in a body.
    init(body: [UInt8]) throws(ControlFailure) {
        // Foundation would also read other encodings, which have zeros.
        guard !body.contains(0) else { throw .badRequest("The body is not JSON in UTF-8.") }
        guard Self.depth(of: body) <= Self.deepest else {
            throw .badRequest("The body is nested deeper than \(Self.deepest) lists and objects.")
        }
        do { self = try JSONDecoder().decode(ControlValue.self, from: Data(body)) } catch {
            throw .badRequest("The body is not JSON.")
        }
    }

    /// More than any body needs. What a value costs Foundation grows with its depth, up to minutes for a large body.
    private static let deepest = 16

    /// How many lists and objects are open at most at a time.
    private static func depth(of json: [UInt8]) -> Int {
        var (depth, deepest) = (0, 0)
        var (isText, isEscaped) = (false, false)
        for byte in json {
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isText: isEscaped = true
            case UInt8(ascii: "\""): isText.toggle()
            case _ where isText: break
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return deepest
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .truth(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }

    /// The value as a message repeats it: short, and on one line.
    var shown: String {
        switch self {
        case .null: "null"
        case .truth(let value): String(value)
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .text(let value): "\"\(VisibleText.escaped(value, limit: 100))\""
        case .list(let values): values.isEmpty ? "an empty list" : "a list"
        case .object: "an object"
        }
    }

    static func texts(_ values: [String]) -> ControlValue { .list(values.map(ControlValue.text)) }
}

extension [String] {
    /// Names as a message has them: the first ones, and how many more there are.
    var shown: String {
        let first = prefix(50).map { VisibleText.escaped($0, limit: 100) }.joined(separator: ", ")
        return count > 50 ? "\(first) and \(count - 50) more" : first
    }
}
