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

extension RateLimit {
    /// What an answer says: its header fields, and for a 429 its body where they are silent.
    init?(_ answer: TransportResponse) {
        let told = RateLimit(answer.headerFields)
        guard answer.status == .tooManyRequests, let body = RateLimit(body: answer.body) else {
            guard let told else { return nil }
            self = told
            return
        }
        self.init(
            scope: told?.scope ?? body.scope,
            limit: told?.limit ?? body.limit,
            remaining: told?.remaining ?? body.remaining,
            reset: told?.reset ?? body.reset
        )
    }

    /// Reads `{"scope", "limit", "current", "reset"}`.
    private init?(body: [UInt8]) {
        let read = try? JSONReader.read(body) { (reader) throws(JSONError) -> RateLimit in
            var rate = RateLimit(remaining: 0)
            try reader.beginObject()
            while let name = try reader.nextKey() {
                switch name {
                case "scope": rate.scope = try reader.optionalString()
                case "limit": rate.limit = try reader.optionalInt()
                case "reset": rate.reset = try reader.optionalInt().map { .seconds($0) }
                default: try reader.skip()
                }
            }
            return rate
        }
        guard let read, read.scope != nil || read.limit != nil || read.reset != nil else { return nil }
        self = read
    }
}

extension HTTPField.Name {
    static let rateLimitScope = HTTPField.Name("RateLimit-Scope")!
    static let rateLimitLimit = HTTPField.Name("RateLimit-Limit")!
    static let rateLimitRemaining = HTTPField.Name("RateLimit-Remaining")!
    static let rateLimitReset = HTTPField.Name("RateLimit-Reset")!
    static let requestID = HTTPField.Name("X-Request-Id")!
}
