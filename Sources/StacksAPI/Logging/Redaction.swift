import Synchronization

/// Takes credentials out of text that came from elsewhere: the client's own tokens, and whatever looks like one of
/// Buildkite's. It owns the list of tokens that the client has had.
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
    func scrub(_ bytes: [UInt8]) -> [UInt8] {
        let tokens = tokens.withLock { $0 }
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let length = Self.lengthOfCredential(at: index, in: bytes, tokens)
            if length > 0 {
                result.append(contentsOf: Secret.placeholder.utf8)
                index += length
            } else {
                result.append(bytes[index])
                index += 1
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
        if index > 0, PercentEncoding.isKeyByte(bytes[index - 1]) { return 0 }
        let word = bytes[index...].prefix { PercentEncoding.isKeyByte($0) || $0 == UInt8(ascii: ".") }
        guard let underscore = word.firstIndex(of: UInt8(ascii: "_")), underscore - index <= 8,
            word.endIndex - underscore > 8
        else { return 0 }
        return word.count
    }
}
