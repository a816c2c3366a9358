import HTTPTypes
public import StacksTransport

/// An endpoint's rate limit, as the last answer told it.
///
/// Each endpoint has its own limit per organization, cluster and stack key, over a sliding window of one second.
public struct RateLimit: Sendable, Hashable {
    /// Which limit it is, `list-scheduled-jobs` for example.
    public var scope: String?
    /// How many requests a window allows.
    public var limit: Int?
    /// How many of them are left.
    public var remaining: Int?
    /// How long until the window starts anew.
    public var reset: Duration?

    /// A rate limit.
    public init(scope: String? = nil, limit: Int? = nil, remaining: Int? = nil, reset: Duration? = nil) {
        self.scope = scope
        self.limit = limit
        self.remaining = remaining
        self.reset = reset
    }

    /// What the `RateLimit-Scope`, `-Limit`, `-Remaining` and `-Reset` (seconds) header fields say, or `nil` when there
    /// is none of them.
    public init?(_ headerFields: ResponseHeaderFields) {
        scope = headerFields[.rateLimitScope]
        limit = headerFields[.rateLimitLimit].flatMap { Int($0) }
        remaining = headerFields[.rateLimitRemaining].flatMap { Int($0) }
        reset = headerFields[.rateLimitReset].flatMap { RetryAfter.seconds($0) }
        if scope == nil, limit == nil, remaining == nil, reset == nil { return nil }
    }
}

extension HTTPField.Name {
    static let rateLimitScope = HTTPField.Name("RateLimit-Scope")!
    static let rateLimitLimit = HTTPField.Name("RateLimit-Limit")!
    static let rateLimitRemaining = HTTPField.Name("RateLimit-Remaining")!
    static let rateLimitReset = HTTPField.Name("RateLimit-Reset")!
    static let requestID = HTTPField.Name("X-Request-Id")!
}
