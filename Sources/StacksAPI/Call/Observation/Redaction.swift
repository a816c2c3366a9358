import Synchronization

/// /// Removes credentials from text that came from elsewhere: the client's own tokens, whatever looks like a token of
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

    /// /// The bytes with each credential replaced by `[redacted]`.
    ///
    /// - Parameter limit: About how many bytes to return. They are cut here and not before, because the first half of a
    ///   credential would not be recognized.
    func scrub(_ bytes: [UInt8], limit: Int = .max) -> [UInt8] {
        var scrubber = Scrubber(bytes, tokens: tokens.withLock { $0 })
        return scrubber.scrubbed(limit: limit)
    }
}
