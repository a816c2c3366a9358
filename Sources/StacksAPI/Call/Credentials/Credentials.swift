import HTTPTypes
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

/// A token with its header fields.
///
/// It is a class because each call passes it on.
final class Authorization: Sendable {
    let token: Secret
    let fields: RequestFields

    init(token: Secret, userAgentPrefixes: [String]) {
        self.token = token
        fields = RequestFields(token: token, userAgentPrefixes: userAgentPrefixes)
    }
}

/// The header fields of a client's requests, created once, so that a transport can recognize and reuse them.
struct RequestFields: Sendable {
    private let withoutBody: HTTPFields
    private let withBody: HTTPFields

    /// - Parameters:
    ///   - token: One that ``AgentTokenText`` finds nothing wrong with.
    ///   - userAgentPrefixes: Checked with ``problem(of:)``.
    init(token: Secret, userAgentPrefixes: [String]) {
        let userAgent = (userAgentPrefixes + ["stacksapi-swift/\(StacksAPIVersion.current)"]).joined(separator: " ")
        var fields = HTTPFields()
        fields[.authorization] = "Token \(token.value)"
        fields[.accept] = "application/json"
        fields[.userAgent] = userAgent
        withoutBody = fields
        fields[.contentType] = "application/json"
        withBody = fields
    }

    /// What is wrong with the prefixes, or `nil`.
    static func problem(of userAgentPrefixes: [String]) -> String? {
        for prefix in userAgentPrefixes {
            guard !prefix.isEmpty, prefix.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }),
                prefix.first != " ", prefix.last != " "
            else {
                return
                    "The user agent's prefix \(Argument.quoted(prefix)) is empty, begins or ends with a space, or "
                    + "contains a control character or one outside ASCII."
            }
        }
        return nil
    }

    /// The fields of one request.
    func fields(
        hasBody: Bool, adding extra: HTTPFields, for operation: StacksOperation
    ) throws(StacksAPIError) -> HTTPFields {
        var fields = hasBody ? withBody : withoutBody
        if extra.isEmpty { return fields }
        try Self.check(extra, for: operation)
        // The client's own fields are removed first, so that a name that the caller gives twice is sent twice.
        for field in extra { fields[field.name] = nil }
        for field in extra { fields.append(field) }
        return fields
    }

    /// Checks the caller's own fields.
    static func check(_ extra: HTTPFields, for operation: StacksOperation) throws(StacksAPIError) {
        for field in extra where reserved.contains(field.name) {
            throw Argument.failure(
                "The header field \(field.name) cannot be set by a caller.", for: operation)
        }
        // `HTTPField(name:value:)` replaces control characters with spaces, but its lenient variant keeps most of them.
        // The value is not shown: it may be a credential. A tab is allowed (RFC 9110, section 5.5).
        for field in extra where field.value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
            throw Argument.failure(
                "The value of the header field \(field.name) contains a control character.", for: operation)
        }
    }

    /// The fields that only the client sets.
    static let reserved: Set<HTTPField.Name> = [
        .authorization, HTTPField.Name("Host")!, .contentLength, .transferEncoding, .connection,
    ]
}
