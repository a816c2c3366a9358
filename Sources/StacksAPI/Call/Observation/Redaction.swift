import Synchronization

/// Removes credentials from text of servers, proxies and callers before it is logged or kept in an error: the client's
/// own tokens, anything in the form of a Buildkite token, the values of authorization header fields, and the user info of
/// URLs. It owns the list of the client's tokens.
final class Redaction: Sendable {
    /// How many tokens it remembers. A token that was replaced can still occur in responses, but not for long.
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

    /// The text with `[redacted]` in place of each credential.
    func scrub(_ text: String) -> String { String(decoding: scrub(Array(text.utf8)), as: UTF8.self) }

    /// The bytes with `[redacted]` in place of each credential.
    ///
    /// - Parameter limit: After how many bytes to stop; the result can be slightly longer. Pass the whole text rather than
    ///   a prefix: the beginning of a credential would not be recognized.
    func scrub(_ bytes: [UInt8], limit: Int = .max) -> [UInt8] {
        var scrubber = Scrubber(bytes, tokens: tokens.withLock { $0 })
        return scrubber.scrubbed(limit: limit)
    }
}

/// Copies a text without its credentials, in one pass.
///
/// The time is linear in the size of the text, whatever it contains. The scan ahead from a position covers a bounded number
/// of bytes, or only bytes that are then removed or skipped, or its result is remembered.
struct Scrubber<Bytes: RandomAccessCollection> where Bytes.Element == UInt8, Bytes.Index == Int {
    private let bytes: Bytes
    /// The client's tokens, none of them empty.
    private let tokens: [[UInt8]]
    /// There is no `@` before this index, as far as URLs matter that begin before it.
    private var searchedForAt: Int

    init(_ bytes: Bytes, tokens: [[UInt8]]) {
        self.bytes = bytes
        self.tokens = tokens
        searchedForAt = bytes.startIndex
    }

    /// The bytes with `[redacted]` in place of each credential, about `limit` of them at most.
    mutating func scrubbed(limit: Int) -> [UInt8] {
        var result: [UInt8] = []
        var index = bytes.startIndex
        func redact(_ length: Int) {
            if length == 0 { return }
            result.append(contentsOf: Secret.placeholder.utf8)
            index += length
        }
        while index < bytes.endIndex, result.count < limit {
            let length = lengthOfToken(at: index)
            if length > 0 {
                redact(length)
                continue
            }
            let byte = bytes[index]
            result.append(byte)
            index += 1
            switch byte {
            case UInt8(ascii: "/"): redact(lengthOfUserInfo(at: index))
            case UInt8(ascii: ":"), UInt8(ascii: "="):
                guard followsAuthorization(index - 1) else { continue }
                let opening = lengthOfOpening(at: index)
                result.append(contentsOf: bytes[index..<(index + opening)])
                index += opening
                redact(lengthOfFieldValue(at: index))
            default: break
            }
        }
        return result
    }

    // MARK: Tokens

    /// The length of the token at `index`: one of the client's, or anything in the form of a Buildkite token.
    private func lengthOfToken(at index: Int) -> Int {
        let first = bytes[index]
        for token in tokens where first == token[0] && hasPrefix(token, at: index) { return token.count }
        // Buildkite's tokens are "bk", a few letters for the kind, an underscore, and the secret part.
        guard first == UInt8(ascii: "b"), index + 1 < bytes.endIndex, bytes[index + 1] == UInt8(ascii: "k"),
            beginsWord(at: index)
        else { return 0 }
        var underscore = index + 2
        while underscore < bytes.endIndex, underscore - index <= 8, bytes[underscore] != UInt8(ascii: "_") {
            guard bytes[underscore].isTokenByte else { return 0 }
            underscore += 1
        }
        guard underscore < bytes.endIndex, underscore - index <= 8 else { return 0 }
        // More than seven bytes after the underscore make it a token.
        let end = end(of: underscore + 1) { $0.isTokenByte }
        return end - underscore > 8 ? end - index : 0
    }

    private func hasPrefix(_ token: [UInt8], at index: Int) -> Bool {
        guard bytes.endIndex - index >= token.count else { return false }
        for offset in token.indices where bytes[index + offset] != token[offset] { return false }
        return true
    }

    /// Whether a word begins at `index`. The letters and digits of an escape sequence before it, of JSON or of a URL, do not
    /// belong to the word.
    private func beginsWord(at index: Int) -> Bool {
        guard index > bytes.startIndex, bytes[index - 1].isWordByte else { return true }
        func isEscape(_ start: String, digits: Int) -> Bool {
            let escape = bytes[..<index].suffix(start.utf8.count + digits)
            return escape.starts(with: start.utf8)
                && escape.suffix(digits).allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
        }
        return bytes[..<index].dropLast().last == UInt8(ascii: "\\") || isEscape("\\u", digits: 4)
            || isEscape("%", digits: 2)
    }

    // MARK: User info

    /// The length of the user and password of a URL whose authority begins at `index`.
    ///
    /// They end with the last `@` of the authority, because a password can contain others. If the authority has no `@` and
    /// what follows its colon is not a port, that may be a password with a slash in it.
    private mutating func lengthOfUserInfo(at index: Int) -> Int {
        guard bytes[..<index].suffix(3).elementsEqual("://".utf8) else { return 0 }
        let authority = index..<end(of: index) { $0.isURLByte && !$0.endsAuthority }
        if let at = bytes[authority].lastIndex(of: UInt8(ascii: "@")) { return at - index }
        guard authority.upperBound < bytes.endIndex, bytes[authority.upperBound].endsAuthority,
            !Self.isHost(bytes[authority]), searchedForAt <= authority.upperBound
        else { return 0 }
        let rest = authority.upperBound..<end(of: authority.upperBound) { $0.isURLByte }
        if let at = bytes[rest].lastIndex(of: UInt8(ascii: "@")) { return at - index }
        searchedForAt = rest.upperBound
        return 0
    }

    /// Whether an authority can be a host, with or without a port.
    private static func isHost(_ authority: Bytes.SubSequence) -> Bool {
        let host = authority.first == UInt8(ascii: "[") ? authority.drop { $0 != UInt8(ascii: "]") } : authority
        guard let colon = host.firstIndex(of: UInt8(ascii: ":")) else { return true }
        return authority[colon...].dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }

    // MARK: Header fields

    /// Whether `Authorization` or `Proxy-Authorization` ends at `index`, perhaps in quotation marks.
    private func followsAuthorization(_ index: Int) -> Bool {
        var end = index
        while end > bytes.startIndex, index - end < 8, bytes[end - 1].isSpaceOrQuotation { end -= 1 }
        // Few names end with the same letter.
        guard end > bytes.startIndex, bytes[end - 1] | 0x20 == UInt8(ascii: "n") else { return false }
        return bytes[..<end].suffix(13).elementsEqual("authorization".utf8) { $0 | 0x20 == $1 }
    }

    /// The length of what separates the colon after a field's name from its value: spaces, a bracket, a quotation mark.
    private func lengthOfOpening(at index: Int) -> Int {
        var end = end(of: index) { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "[") }
        let quotation = self.end(of: end) { $0 == UInt8(ascii: "\\") }
        if quotation < bytes.endIndex, bytes[quotation] == UInt8(ascii: "\"") || bytes[quotation] == UInt8(ascii: "'") {
            end = quotation + 1
        }
        return end - index
    }

    /// The length of a field's value: up to the end of the line, of the string or of the HTML text that contains it.
    private func lengthOfFieldValue(at index: Int) -> Int { end(of: index) { $0.isFieldValueByte } - index }

    private func end(of start: Int, while condition: (UInt8) -> Bool) -> Int {
        var index = start
        while index < bytes.endIndex, condition(bytes[index]) { index += 1 }
        return index
    }
}

// Switches, because `"/?#".utf8.contains` for each byte of a long text takes ten times as long.
extension UInt8 {
    /// Whether the byte can be part of a Buildkite token.
    fileprivate var isTokenByte: Bool { isWordByte || self == UInt8(ascii: ".") }

    /// Whether a URL in a text goes on with the byte.
    fileprivate var isURLByte: Bool { self > 0x20 && !isDelimiter && self != UInt8(ascii: ">") }

    /// Whether the byte ends the authority of a URL.
    fileprivate var endsAuthority: Bool {
        switch self {
        case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"): true
        default: false
        }
    }

    /// Whether the value of a header field in a text goes on with the byte.
    fileprivate var isFieldValueByte: Bool { self >= 0x20 && !isDelimiter }

    /// Whether the byte ends what is quoted in JSON, HTML or prose.
    private var isDelimiter: Bool {
        switch self {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "<"), UInt8(ascii: "\\"): true
        default: false
        }
    }

    /// Whether the byte can stand between a quoted name and its colon: a space, a quotation mark, or the backslash before
    /// one.
    fileprivate var isSpaceOrQuotation: Bool {
        switch self {
        case UInt8(ascii: " "), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): true
        default: false
        }
    }
}
