import Synchronization

/// Removes credentials from text that came from elsewhere: the client's own tokens, whatever looks like a token of
/// Buildkite's, the values of authorization header fields, and the user info of URLs, a proxy's for example. It owns
/// the list of the client's tokens.
final class Redaction: Sendable {
    /// A replaced token can still appear in responses, but not for long.
    private static let maximumTokens = 4

    private let tokens = Mutex<[[UInt8]]>([])

    init() {}

    convenience init(token: Secret) {
        self.init()
        learn(token)
    }

    /// Adds a token to remove.
    func learn(_ token: Secret) {
        let bytes = Array(token.value.utf8)
        tokens.withLock { tokens in
            if bytes.isEmpty || tokens.contains(bytes) { return }
            if tokens.count == Self.maximumTokens { tokens.removeFirst() }
            tokens.append(bytes)
        }
    }

    func scrub(_ text: String) -> String { String(decoding: scrub(Array(text.utf8)), as: UTF8.self) }

    /// The bytes with each credential replaced by `[redacted]`.
    ///
    /// - Parameter limit: About how many bytes to return. They are cut here and not before, because the first half of a
    ///   credential would not be recognized.
    func scrub(_ bytes: [UInt8], limit: Int = .max) -> [UInt8] {
        var scrubber = Scrubber(bytes, tokens: tokens.withLock { $0 })
        return scrubber.scrubbed(limit: limit)
    }
}

/// Copies a text without the credentials in it, in one pass.
///
/// Its time is linear in the size of the text, whatever the text is: each look ahead covers a bounded number of bytes,
/// or bytes that are then left out, or ends where the next one begins, or is remembered.
struct Scrubber<Bytes: RandomAccessCollection> where Bytes.Element == UInt8, Bytes.Index == Int {
    private let bytes: Bytes
    /// None is empty.
    private let tokens: [[UInt8]]
    /// How far a search for an `@` has found none.
    private var knownToHaveNoAt = 0

    init(_ bytes: Bytes, tokens: [[UInt8]]) {
        self.bytes = bytes
        self.tokens = tokens
        knownToHaveNoAt = bytes.startIndex
    }

    /// The bytes with each credential replaced by `[redacted]`, about `limit` of them.
    mutating func scrubbed(limit: Int) -> [UInt8] {
        var result: [UInt8] = []
        var index = bytes.startIndex
        func hide(_ length: Int) {
            if length == 0 { return }
            result.append(contentsOf: Secret.placeholder.utf8)
            index += length
        }
        while index < bytes.endIndex, result.count < limit {
            let length = lengthOfCredential(at: index)
            if length > 0 {
                hide(length)
                continue
            }
            let byte = bytes[index]
            result.append(byte)
            index += 1
            switch byte {
            case UInt8(ascii: "/"): hide(lengthOfUserInfo(at: index))
            case UInt8(ascii: ":"), UInt8(ascii: "="):
                guard endsAuthorization(before: index - 1) else { continue }
                let opening = lengthOfOpening(at: index)
                result.append(contentsOf: bytes[index..<(index + opening)])
                index += opening
                hide(lengthOfLine(at: index))
            default: break
            }
        }
        return result
    }

    // MARK: Tokens

    private func lengthOfCredential(at index: Int) -> Int {
        let first = bytes[index]
        for token in tokens where first == token[0] && starts(with: token, at: index) { return token.count }
        // Buildkite's tokens: "bk", a few letters that tell the kind, an underscore, and the secret part.
        guard first == UInt8(ascii: "b"), index + 1 < bytes.endIndex, bytes[index + 1] == UInt8(ascii: "k"),
            beginsWord(at: index)
        else { return 0 }
        var underscore = index + 2
        while underscore < bytes.endIndex, underscore - index <= 8, bytes[underscore] != UInt8(ascii: "_") {
            guard bytes[underscore].isTokenByte else { return 0 }
            underscore += 1
        }
        guard underscore < bytes.endIndex, underscore - index <= 8 else { return 0 }
        // Past eight bytes of it, it is a token, and is left out as far as this goes.
        let end = end(of: underscore + 1) { $0.isTokenByte }
        return end - underscore > 8 ? end - index : 0
    }

    private func starts(with token: [UInt8], at index: Int) -> Bool {
        guard bytes.endIndex - index >= token.count else { return false }
        for offset in token.indices where bytes[index + offset] != token[offset] { return false }
        return true
    }

    /// Whether no word goes on here. The letters and digits of an escape, in JSON or in a URL, are not a word's.
    private func beginsWord(at index: Int) -> Bool {
        guard index > bytes.startIndex, PercentEncoding.isKeyByte(bytes[index - 1]) else { return true }
        func escapes(_ start: String, digits: Int) -> Bool {
            let escape = bytes[..<index].suffix(start.utf8.count + digits)
            return escape.starts(with: start.utf8)
                && escape.suffix(digits).allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
        }
        return bytes[..<index].dropLast().last == UInt8(ascii: "\\") || escapes("\\u", digits: 4)
            || escapes("%", digits: 2)
    }

    // MARK: User info

    /// A URL's user and password, which end with the last `@` before the host: the password can hold others. Where what
    /// follows the host is no port, it may be a password that has a slash in it.
    private mutating func lengthOfUserInfo(at index: Int) -> Int {
        guard bytes[..<index].suffix(3).elementsEqual("://".utf8) else { return 0 }
        let authority = index..<end(of: index) { $0 > 0x20 && !"/?#\"'<>\\".utf8.contains($0) }
        if let at = bytes[authority].lastIndex(of: UInt8(ascii: "@")) { return at - index }
        guard authority.upperBound < bytes.endIndex, "/?#".utf8.contains(bytes[authority.upperBound]),
            !Self.isHost(bytes[authority]), knownToHaveNoAt <= authority.upperBound
        else { return 0 }
        let rest = authority.upperBound..<end(of: authority.upperBound) { $0 > 0x20 && !"\"'<>\\".utf8.contains($0) }
        if let at = bytes[rest].lastIndex(of: UInt8(ascii: "@")) { return at - index }
        knownToHaveNoAt = rest.upperBound
        return 0
    }

    /// Whether it can be a host, with a port or without.
    private static func isHost(_ authority: Bytes.SubSequence) -> Bool {
        let host = authority.first == UInt8(ascii: "[") ? authority.drop { $0 != UInt8(ascii: "]") } : authority
        guard let colon = host.firstIndex(of: UInt8(ascii: ":")) else { return true }
        return authority[colon...].dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }

    // MARK: Header fields

    /// Whether a header field's name ends here that is `Authorization` or `Proxy-Authorization`, in quotes perhaps.
    private func endsAuthorization(before index: Int) -> Bool {
        let before = bytes[..<index]
        let closing = before.suffix(8).reversed().prefix { " \"'\\".utf8.contains($0) }.count
        return before.dropLast(closing).suffix(13).elementsEqual("authorization".utf8) { $0 | 0x20 == $1 }
    }

    /// The length of what separates the colon after a name from its value: spaces, a bracket, a quotation mark.
    private func lengthOfOpening(at index: Int) -> Int {
        var end = end(of: index) { " [".utf8.contains($0) }
        let quotation = self.end(of: end) { $0 == UInt8(ascii: "\\") }
        if quotation < bytes.endIndex, "\"'".utf8.contains(bytes[quotation]) { end = quotation + 1 }
        return end - index
    }

    /// The rest of a line, as far as it can be a header field's value.
    private func lengthOfLine(at index: Int) -> Int {
        end(of: index) { $0 >= 0x20 && !"\"'<\\".utf8.contains($0) } - index
    }

    private func end(of start: Int, while condition: (UInt8) -> Bool) -> Int {
        var index = start
        while index < bytes.endIndex, condition(bytes[index]) { index += 1 }
        return index
    }
}

extension UInt8 {
    /// Whether a word can hold it that is one of Buildkite's tokens.
    fileprivate var isTokenByte: Bool { PercentEncoding.isKeyByte(self) || self == UInt8(ascii: ".") }
}
