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
