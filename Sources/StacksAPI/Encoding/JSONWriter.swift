/// Writes the JSON of a request's body.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: About how many bytes there will be.
    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    /// The bytes that `body` writes.
    static func bytes(capacity: Int = 256, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: capacity)
        body(&writer)
        return writer.bytes
    }

    /// Text that is JSON already: punctuation and keys.
    mutating func raw(_ text: StaticString) { text.withUTF8Buffer { bytes.append(contentsOf: $0) } }

    mutating func int(_ value: Int) { bytes.append(contentsOf: String(value).utf8) }

    /// About how many bytes an identifier takes, with quotes and a comma.
    static let identifierSize = CanonicalUUID.length + 3

    mutating func identifier<Resource>(_ identifier: Identifier<Resource>) {
        guard case .uuid(let high, let low) = identifier.storage else { return string(identifier.description) }
        // Quotes and room for the digits between them, which are written in place.
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "\""), count: CanonicalUUID.length + 2))
        bytes.withUnsafeMutableBytes { bytes in
            CanonicalUUID.write(high: high, low: low, to: bytes.baseAddress! + start + 1)
        }
    }

    mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        // Most strings need no escape and are copied whole. The byte loop takes three times as long for them.
        if text.utf8.contains(where: Self.mustBeEscaped) {
            for byte in text.utf8 {
                if Self.mustBeEscaped(byte) { escape(byte) } else { bytes.append(byte) }
            }
        } else {
            bytes.append(contentsOf: text.utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func mustBeEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        case 0x08: raw("\\b")
        case 0x09: raw("\\t")
        case 0x0A: raw("\\n")
        case 0x0C: raw("\\f")
        case 0x0D: raw("\\r")
        default:
            raw("\\u00")
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            let low = byte & 0x0F
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}
