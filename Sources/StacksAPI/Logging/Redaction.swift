import Synchronization

/// Takes credentials out of text that came from elsewhere: the client's own tokens, whatever looks like one of
/// Buildkite's, the value of a header field that authorizes, and the user info of a URL (a proxy's, for example). It owns
/// the list of tokens that the client has had.
final class Redaction: Sendable {
    /// A token that was replaced can still be in an answer, but not for long.
    private static let maximumTokens = 4

    private let tokens = Mutex<[[UInt8]]>([])

    init() {}

    convenience init(token: Secret) {
        self.init()
        learn(token)
    }

    /// From now on the token is taken out.
    func learn(_ token: Secret) {
        let bytes = Array(token.value.utf8)
        tokens.withLock { tokens in
            if bytes.isEmpty || tokens.contains(bytes) { return }
            if tokens.count == Self.maximumTokens { tokens.removeFirst() }
            tokens.append(bytes)
        }
    }

    func scrub(_ text: String) -> String { String(decoding: scrub(Array(text.utf8)), as: UTF8.self) }

    /// The same bytes with `[redacted]` in the place of each credential.
    ///
    /// - Parameter limit: About how many bytes to return. They are cut here rather than before: of a credential that was
    ///   cut in two, the first half would not be known for what it is.
    func scrub(_ bytes: [UInt8], limit: Int = .max) -> [UInt8] {
        let tokens = tokens.withLock { $0 }
        var result: [UInt8] = []
        var index = 0
        func hide(_ length: Int) {
            if length == 0 { return }
            result.append(contentsOf: Secret.placeholder.utf8)
            index += length
        }
        while index < bytes.count, result.count < limit {
            let length = Self.lengthOfCredential(at: index, in: bytes, tokens)
            if length > 0 {
                hide(length)
                continue
            }
            let byte = bytes[index]
            result.append(byte)
            index += 1
            switch byte {
            case UInt8(ascii: "/"): hide(Self.lengthOfUserInfo(at: index, in: bytes))
            case UInt8(ascii: ":"), UInt8(ascii: "="):
                guard Self.endsAuthorization(bytes[..<(index - 1)]) else { continue }
                let opening = Self.lengthOfOpening(at: index, in: bytes)
                result.append(contentsOf: bytes[index..<(index + opening)])
                index += opening
                hide(Self.lengthOfLine(at: index, in: bytes))
            default: break
            }
        }
        return result
    }

    private static func lengthOfCredential(at index: Int, in bytes: [UInt8], _ tokens: [[UInt8]]) -> Int {
        for token in tokens where bytes[index] == token[0] && bytes[index...].starts(with: token) {
            return token.count
        }
        // Buildkite's tokens: "bk", a few letters that tell the kind, an underscore, and the secret part.
        guard bytes[index] == UInt8(ascii: "b"), bytes[index...].starts(with: "bk".utf8) else { return 0 }
        guard beginsWord(at: index, in: bytes) else { return 0 }
        let word = bytes[index...].prefix { PercentEncoding.isKeyByte($0) || $0 == UInt8(ascii: ".") }
        guard let underscore = word.firstIndex(of: UInt8(ascii: "_")), underscore - index <= 8,
            word.endIndex - underscore > 8
        else { return 0 }
        return word.count
    }

    /// Whether no word goes on here. The letters and digits of an escape, in JSON or in a URL, are not a word's.
    private static func beginsWord(at index: Int, in bytes: [UInt8]) -> Bool {
        guard index > 0, PercentEncoding.isKeyByte(bytes[index - 1]) else { return true }
        func escapes(_ start: String, digits: Int) -> Bool {
            let escape = bytes[..<index].suffix(start.utf8.count + digits)
            return escape.starts(with: start.utf8)
                && escape.suffix(digits).allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
        }
        return bytes[..<index].dropLast().last == UInt8(ascii: "\\") || escapes("\\u", digits: 4)
            || escapes("%", digits: 2)
    }

    /// A URL's user and password, which end with the last `@` before the host: the password can hold others.
    private static func lengthOfUserInfo(at index: Int, in bytes: [UInt8]) -> Int {
        guard bytes[..<index].suffix(3).elementsEqual("://".utf8) else { return 0 }
        let ends = "/?#\"'<>\\".utf8
        let authority = bytes[index...].prefix { $0 > 0x20 && !ends.contains($0) }
        return authority.lastIndex(of: UInt8(ascii: "@")).map { $0 - index } ?? 0
    }

    /// Whether a header field's name has just ended that is `Authorization` or `Proxy-Authorization`, in quotes perhaps.
    private static func endsAuthorization(_ bytes: ArraySlice<UInt8>) -> Bool {
        let closing = bytes.suffix(8).reversed().prefix { " \"'\\".utf8.contains($0) }.count
        return bytes.dropLast(closing).suffix(13).elementsEqual("authorization".utf8) { $0 | 0x20 == $1 }
    }

    /// What stands between the colon after a name and its value: spaces, an array's bracket, one quotation mark.
    private static func lengthOfOpening(at index: Int, in bytes: [UInt8]) -> Int {
        var end = index
        while end < bytes.count, " [".utf8.contains(bytes[end]) { end += 1 }
        let quotation = bytes[end...].drop { $0 == UInt8(ascii: "\\") }
        if let first = quotation.first, "\"'".utf8.contains(first) { end = quotation.startIndex + 1 }
        return end - index
    }

    /// The rest of a line, as far as it can be a header field's value.
    private static func lengthOfLine(at index: Int, in bytes: [UInt8]) -> Int {
        let ends = "\"'<\\".utf8
        return bytes[index...].prefix { $0 >= 0x20 && !ends.contains($0) }.count
    }
}
