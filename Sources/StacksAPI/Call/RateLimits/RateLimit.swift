import HTTPTypes
public import StacksTransport

/// An endpoint's rate limit, as the last response states it.
///
/// Each endpoint has its own limit for each organization, cluster and stack key, over a sliding window of one second.
public struct RateLimit: Sendable, Hashable {
    /// Which limit it is, `list-scheduled-jobs` for example.
    public var scope: String?
    /// How many requests a window allows.
    public var limit: Int?
    /// How many of them are left.
    public var remaining: Int?
    /// How long until the window resets. When read from a response, at most 30 seconds: windows last one second.
    public var reset: Duration?

    /// A rate limit.
    public init(scope: String? = nil, limit: Int? = nil, remaining: Int? = nil, reset: Duration? = nil) {
        self.scope = scope
        self.limit = limit
        self.remaining = remaining
        self.reset = reset
    }

    /// The rate limit in the header fields `RateLimit-Scope`, `-Limit`, `-Remaining` and `-Reset` (seconds); `nil` when
    /// all are missing.
    public init?(_ headerFields: ResponseHeaderFields) {
        scope = headerFields[.rateLimitScope]
        limit = headerFields[.rateLimitLimit].flatMap { Int($0) }
        remaining = headerFields[.rateLimitRemaining].flatMap { Int($0) }
        reset = headerFields[.rateLimitReset].flatMap { RetryAfter.seconds($0) }.flatMap { ServerWait.reset($0) }
        if scope == nil, limit == nil, remaining == nil, reset == nil { return nil }
    }
}

extension RateLimit {
    /// The rate limit of a response: from its header fields and, for a 429, from its body for what they lack.
    init?(_ response: TransportResponse) {
        let stated = RateLimit(response.headerFields)
        guard response.status == .tooManyRequests, let body = RateLimit(body: response.body) else {
            guard let stated else { return nil }
            self = stated
            return
        }
        self.init(
            scope: stated?.scope ?? body.scope,
            limit: stated?.limit ?? body.limit,
            remaining: stated?.remaining ?? body.remaining,
            reset: stated?.reset ?? body.reset
        )
    }

    /// Reads `{"scope", "limit", "current", "reset"}`.
    private init?(body: [UInt8]) {
        let read = try? JSONReader.read(body) { (reader) throws(JSONError) -> RateLimit in
            var rate = RateLimit(remaining: 0)
            try reader.beginObject()
            while let name = try reader.nextKey() {
                switch name {
                case "scope": rate.scope = try reader.stringOrNil()
                case "limit": rate.limit = try reader.intOrNil()
                case "reset": rate.reset = try reader.intOrNil().flatMap { ServerWait.reset($0) }
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
