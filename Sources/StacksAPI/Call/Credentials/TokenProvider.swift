/// The source of a client's agent token, which allows rotation without a restart.
///
/// ```swift
/// let provider = TokenProvider { Secret(try await vault.read("buildkite-agent-token")) }
/// ```
///
/// The client calls it before the first request, and again when the server does not accept a call's token (401).
/// Calls that need a token at the same time share one request to the provider.
///
/// Calls wait for the provider, but not past their deadline: then the call throws
/// ``StacksAPIError/Code/deadlineExceeded``, and, if this call made the request to the provider, that is cancelled and
/// another call makes one. A provider should therefore return soon after its task is cancelled, and should limit its
/// own time for calls without a deadline.
///
/// The client removes line ends after the token, which files often have, and logs that at level `debug`. The same goes
/// for a token that a client is created with.
public struct TokenProvider: Sendable {
    enum Source: Sendable {
        case fixed(Secret)
        case asked(@Sendable () async throws -> Secret)
    }

    let source: Source

    /// A provider.
    ///
    /// - Parameter token: Returns the token to use from now on. If it throws, the waiting calls fail with
    ///   ``StacksAPIError/Code/unauthorized``. The text of its error is not shown, because it can contain anything.
    public init(_ token: @escaping @Sendable () async throws -> Secret) { source = .asked(token) }

    /// A provider of one token that does not change: a request whose token is refused is not retried.
    public static func fixed(_ token: Secret) -> TokenProvider { TokenProvider(source: .fixed(token)) }

    private init(source: Source) { self.source = source }

    /// The token to use from now on.
    func token() async throws -> Secret {
        switch source {
        case .fixed(let token): token
        case .asked(let token): try await token()
        }
    }
}

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
