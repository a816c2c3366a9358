/// Where a client's agent token comes from, so that it can be rotated without a restart.
///
/// ```swift
/// let provider = TokenProvider { Secret(try await vault.read("buildkite-agent-token")) }
/// ```
///
/// It is asked before the first request, and once more by a call whose token the server did not accept (401). Calls
/// that need a token at the same time share one question.
///
/// The calls wait for it, but none longer than its own deadline: it then fails with
/// ``StacksAPIError/Code/deadlineExceeded``, and the provider's task is cancelled when it was this call that asked. The
/// others ask again. So a provider has to end soon after its task is cancelled, as an async function should, and it
/// should have a limit of its own for calls without a deadline.
///
/// A line end after the token, which a file often has, is not part of it: it is left out, with a line in the log at level
/// `debug`. The same goes for a token that a client is made with.
public struct TokenProvider: Sendable {
    enum Source: Sendable {
        case fixed(Secret)
        case asked(@Sendable () async throws -> Secret)
    }

    let source: Source

    /// A provider.
    ///
    /// - Parameter token: Gives the token to use from now on. What it throws fails the calls that wait for it, with
    ///   ``StacksAPIError/Code/unauthorized``; its text is not shown, because it can hold anything.
    public init(_ token: @escaping @Sendable () async throws -> Secret) { source = .asked(token) }

    /// A provider of one token that does not change: it is not asked again when the server refuses it.
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
