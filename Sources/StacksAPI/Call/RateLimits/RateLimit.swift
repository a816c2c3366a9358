import HTTPTypes
public import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

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
        self.init(headerFields, Self.fieldNames, likelyScope: nil)
        if scope == nil, limit == nil, remaining == nil, reset == nil { return nil }
    }

    /// - Parameters:
    ///   - names: The first of ``fieldNames``, as many as are to be read.
    ///   - likelyScope: The scope that the response probably states. If it does, this string is used, and none is allocated.
    fileprivate init(_ headerFields: ResponseHeaderFields, _ names: [StaticString], likelyScope: String?) {
        self.init()
        // The first field of a name counts, even if it is not a number.
        var (hasLimit, hasRemaining, hasReset) = (false, false, false)
        headerFields.forEachField(withPrefix: "ratelimit-", rest: names) { index, value in
            switch index {
            case 0 where scope == nil: scope = value.text(likely: likelyScope)
            case 1 where !hasLimit: (hasLimit, limit) = (true, Self.integer(value))
            case 2 where !hasRemaining: (hasRemaining, remaining) = (true, Self.integer(value))
            case 3 where !hasReset: (hasReset, reset) = (true, Self.reset(value))
            default: break
            }
        }
    }

    /// What follows `ratelimit-`.
    private static let fieldNames: [StaticString] = ["scope", "limit", "remaining", "reset"]

    /// The same without `reset`, which counts for a refusal only.
    fileprivate static let fieldNamesOfSuccess = Array(fieldNames.dropLast())

    private static func integer(_ value: ResponseHeaderFields.RawText) -> Int? {
        value.wholeNumber ?? Int(value.text())
    }

    private static func reset(_ value: ResponseHeaderFields.RawText) -> Duration? {
        if let seconds = value.wholeNumber { return ServerWait.reset(seconds) }
        return RetryAfter.seconds(value.text()).flatMap { ServerWait.reset($0) }
    }
}

extension RateLimit {
    /// The rate limit of a successful response, without `reset`. Every field is `nil` when it states none.
    ///
    /// - Parameter likelyScope: The scope that it probably states.
    static func stated(inSuccess response: TransportResponse, likelyScope: String) -> RateLimit {
        RateLimit(response.headerFields, fieldNamesOfSuccess, likelyScope: likelyScope)
    }

    /// The rate limit of a response: from its header fields and, for a 429, from its body for what they lack.
    static func stated(in response: TransportResponse) -> RateLimit? {
        let stated = RateLimit(response.headerFields)
        guard response.status == .tooManyRequests, let body = RateLimit(body: response.body) else { return stated }
        return RateLimit(
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

/// The rate limit of an operation until a response states another.
///
/// It is a class because each paced call passes it on.
final class RateScope: Sendable {
    let name: String
    /// How many requests a second are allowed.
    let limit: Int
    let lane: RateLane

    init(_ name: String, limit: Int, _ lane: RateLane) {
        self.name = name
        self.limit = limit
        self.lane = lane
    }
}

/// The priority of an operation's requests when several operations wait for the same limit.
enum RateLane: UInt8, Comparable, Sendable {
    /// Ends jobs or watches them.
    case urgent
    case normal
    /// Only people read it.
    case background

    static func < (lhs: RateLane, rhs: RateLane) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Reads `Retry-After`: a number of seconds, or an HTTP date
/// (<https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>).
enum RetryAfter {
    /// The wait that a response asks for. A date is relative to the response's own `Date`, so that a wrong local clock
    /// does no harm, and to `now` when that is missing.
    static func delay(in fields: ResponseHeaderFields, now: @autoclosure () -> Date = Date()) -> Duration? {
        guard let value = fields[.retryAfter] else { return nil }
        if let seconds = seconds(value) { return ServerWait.retryAfter(seconds) }
        guard let date = HTTPDate.parse(value) else { return nil }
        let responded = fields[.date].flatMap { HTTPDate.parse($0) } ?? now()
        return ServerWait.retryAfter(date.timeIntervalSince(responded))
    }

    /// A number of seconds, with or without a fraction; `nil` for anything else.
    static func seconds(_ text: String) -> Double? {
        guard let first = text.utf8.first, first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9") else { return nil }
        // Nearly always an integer, which takes a quarter of the instructions of a `Double`.
        if let seconds = Int(text) { return Double(seconds) }
        guard let seconds = Double(text), seconds.isFinite else { return nil }
        return seconds
    }
}

/// Limits the waits that a response asks for. It is the only place where a number from a response becomes a `Duration`,
/// so that none can stop a client for years or overflow when added to an instant.
enum ServerWait {
    /// The longest `Retry-After` in seconds: a day. A longer one, a date in 2099 for example, counts as a day.
    private static let longestRetryAfter = 86_400.0

    /// The longest `reset` of a rate limit in seconds. Windows last one second, so a much larger value means
    /// something else, seconds since 1970 for example, and counts as this.
    private static let longestReset = 30.0

    /// The wait of a `Retry-After` in seconds.
    static func retryAfter(_ seconds: Double) -> Duration { .seconds(min(max(0, seconds), longestRetryAfter)) }

    /// The wait of a rate limit's `reset`; `nil` for a negative one.
    static func reset(_ seconds: Double) -> Duration? { seconds >= 0 ? .seconds(min(seconds, longestReset)) : nil }

    /// The same for whole seconds.
    static func reset(_ seconds: Int) -> Duration? { seconds >= 0 ? .seconds(min(seconds, Int(longestReset))) : nil }
}
