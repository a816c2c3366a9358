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
        self.init(headerFields, expecting: nil)
    }

    /// The same.
    ///
    /// - Parameter scope: The expected scope. If it is the response's, its string is reused.
    init?(_ headerFields: borrowing ResponseHeaderFields, expecting scope: String?) {
        self.init()
        var seen = Seen()
        if !headerFields.forEachField(
            withPrefix: "ratelimit-",
            { name, value in
                read(name, value, &seen, expecting: scope)
            })
        {
            self.scope = headerFields[.rateLimitScope]
            limit = headerFields[.rateLimitLimit].flatMap { Int($0) }
            remaining = headerFields[.rateLimitRemaining].flatMap { Int($0) }
            reset = headerFields[.rateLimitReset].flatMap { RetryAfter.seconds($0) }.flatMap { ServerWait.reset($0) }
        }
        if self.scope == nil, limit == nil, remaining == nil, reset == nil { return nil }
    }

    /// Which fields were seen: the first of a name counts, even if it cannot be parsed.
    private struct Seen {
        var scope = false
        var limit = false
        var remaining = false
        var reset = false
    }

    private mutating func read(
        _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, _ seen: inout Seen,
        expecting likely: String?
    ) {
        if ResponseHeaderFields.isName(name, "limit") {
            if !seen.limit { limit = Self.number(value) ?? Int(Self.text(value)) }
            seen.limit = true
        } else if ResponseHeaderFields.isName(name, "remaining") {
            if !seen.remaining { remaining = Self.number(value) ?? Int(Self.text(value)) }
            seen.remaining = true
        } else if ResponseHeaderFields.isName(name, "reset") {
            if !seen.reset {
                if let seconds = Self.number(value) {
                    reset = ServerWait.reset(seconds)
                } else {
                    reset = RetryAfter.seconds(Self.text(value)).flatMap { ServerWait.reset($0) }
                }
            }
            seen.reset = true
        } else if ResponseHeaderFields.isName(name, "scope") {
            if !seen.scope {
                scope = Self.text(value, likely: likely)
            }
            seen.scope = true
        }
    }

    /// The text of the bytes; `likely` itself when it is the same, so that no string is created.
    private static func text(_ value: UnsafeBufferPointer<UInt8>, likely: String? = nil) -> String {
        if var likely, likely.utf8.count == value.count, let bytes = value.baseAddress,
            likely.withUTF8({ ByteComparison.areEqual($0.baseAddress!, bytes, value.count) })
        {
            return likely
        }
        return String(decoding: value, as: UTF8.self)
    }

    /// The number that a few digits represent; `nil` for anything else.
    private static func number(_ value: UnsafeBufferPointer<UInt8>) -> Int? {
        // 18 digits cannot overflow.
        guard (1...18).contains(value.count) else { return nil }
        var number = 0
        for byte in value {
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            number = 10 &* number &+ Int(digit)
        }
        return number
    }
}

extension RateLimit {
    /// The rate limit of a response: from its header fields and, for a 429, from its body for what they lack.
    init?(_ response: borrowing TransportResponse, expecting scope: String? = nil) {
        let told = RateLimit(response.headerFields, expecting: scope)
        guard response.status == .tooManyRequests, let body = RateLimit(body: response.body) else {
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
