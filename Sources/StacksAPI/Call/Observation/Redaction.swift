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
        var scrubber = Scrubber(bytes, tokens: tokens.withLock { $0 })
        return scrubber.scrubbed(limit: limit)
    }
}
