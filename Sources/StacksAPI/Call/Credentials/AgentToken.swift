/// An agent token from a variable, a file or a caller, prepared for a header field.
package struct AgentTokenText: Sendable {
    /// The token without trailing line ends, which files often have.
    package let token: Secret

    /// Whether there were trailing line ends.
    package let endedWithLineEnd: Bool

    package init(_ given: Secret) {
        let bytes = given.value.utf8
        // Bytes, because a carriage return and a line feed are one character.
        let end = bytes.lastIndex { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        let text = bytes[..<(end.map { bytes.index(after: $0) } ?? bytes.startIndex)]
        endedWithLineEnd = text.endIndex != bytes.endIndex
        token = endedWithLineEnd ? Secret(String(decoding: text, as: UTF8.self)) : given
    }

    /// The most characters of a token. Many servers and proxies limit a line of the header to 8 KB, of which the
    /// field's name takes a few bytes.
    package static let maximumLength = 8000

    /// Why it cannot be sent, as the predicate of a sentence: `contains a space after 4 characters, which tokens never
    /// do`. It shows nothing of the token except an invalid character's name.
    package var problem: String? {
        let bytes = token.value.utf8
        if bytes.isEmpty { return "is empty" }
        if bytes.count > Self.maximumLength {
            return "has \(bytes.count) characters; it can have at most \(Self.maximumLength)"
        }
        guard let index = bytes.firstIndex(where: { $0 <= 0x20 || $0 >= 0x7F }) else { return nil }
        return
            "contains \(Self.name(bytes[index])) after \(bytes.distance(from: bytes.startIndex, to: index)) "
            + "characters, which no token has"
    }

    private static func name(_ byte: UInt8) -> String {
        switch byte {
        case 0x20: return "a space"
        case 0x09: return "a tab"
        case 0x0A: return "a line feed"
        case 0x0D: return "a carriage return"
        case 0x80...: return "a character outside ASCII"
        default:
            let digits = String(byte, radix: 16, uppercase: true)
            return "the control character U+00" + (digits.utf8.count == 1 ? "0" : "") + digits
        }
    }
}
