import Logging
import StacksTransport
import Synchronization

/// A client's token and its provider. It owns both.
final class Credentials: Sendable {
    /// The token that does not change; `nil` with a provider.
    private let fixed: Authorization?
    let provider: TokenProvider
    let userAgentPrefixes: [String]
    let redaction: Redaction
    private let logger: Logger?
    let state = Mutex(State())

    /// The provider's last token, and the calls that wait for the next one.
    struct State {
        var current: Authorization?
        var isAsking = false
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Outcome, Never>] = [:]
    }

    /// - Parameter logger: Logs when a token is not used as it was given.
    init(
        _ provider: TokenProvider, userAgentPrefixes: [String], redaction: Redaction, logger: Logger?
    ) throws(ConfigurationError) {
        self.provider = provider
        self.userAgentPrefixes = userAgentPrefixes
        self.redaction = redaction
        self.logger = logger
        guard case .fixed(let token) = provider.source else {
            fixed = nil
            return
        }
        let text = AgentTokenText(token)
        if let problem = text.problem { throw ConfigurationError("The agent token \(problem).") }
        redaction.learn(text.token)
        fixed = Authorization(token: text.token, userAgentPrefixes: userAgentPrefixes)
        note(text)
    }

    /// Logs that a token ended with a line end.
    func note(_ text: AgentTokenText) {
        if text.endedWithLineEnd { logger?.debug("The agent token ended with a line end, which is not part of it") }
    }

    /// Whether a token that was refused can be replaced.
    var canRenew: Bool { fixed == nil }

    /// Forgets the provider's last token.
    func refresh() { state.withLock { $0.current = nil } }

    /// The token to use, or `nil` before the provider has returned the first one.
    var current: Authorization? { fixed ?? state.withLock { $0.current } }
}
