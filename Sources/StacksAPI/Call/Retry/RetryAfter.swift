import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads `Retry-After`: a number of seconds, or an HTTP date
/// (<https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>).
enum RetryAfter {
    /// What a response asks for. A date is counted from the response's own `Date`, so that a clock that is wrong here
    /// does no harm, and from `now` when it carries none.
    static func delay(in fields: ResponseHeaderFields, now: @autoclosure () -> Date = Date()) -> Duration? {
        guard let value = fields[.retryAfter] else { return nil }
        if let seconds = seconds(value) { return ServerWait.retryAfter(seconds) }
        guard let date = HTTPDate.parse(value) else { return nil }
        let answered = fields[.date].flatMap { HTTPDate.parse($0) } ?? now()
        return ServerWait.retryAfter(date.timeIntervalSince(answered))
    }

    /// A number of seconds, with or without a fraction; `nil` for anything else.
    static func seconds(_ text: String) -> Double? {
        guard let first = text.utf8.first, first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9") else { return nil }
        guard let seconds = Double(text), seconds.isFinite else { return nil }
        return seconds
    }
}

/// What is believed of the times that a server, or whoever answers for it, gives in header fields and bodies: the one
/// place where a number of somebody else's becomes a `Duration`, so that none can stop a client for years or be too
/// large to be added to an instant.
enum ServerWait {
    /// The longest `Retry-After` in seconds: a day. A longer one, to a date in 2099 for example, counts as this.
    private static let longestRetryAfter = 86_400.0

    /// The longest `reset` of a rate limit in seconds. The windows are of one second: what is beyond is something else, an
    /// instant since 1970 for example, and counts as this.
    private static let longestReset = 30.0

    /// The wait of a `Retry-After`, or until its date.
    static func retryAfter(_ seconds: Double) -> Duration { .seconds(min(max(0, seconds), longestRetryAfter)) }

    /// The wait of a rate limit's `reset`, `nil` when it has been over for long.
    static func reset(_ seconds: Double) -> Duration? { seconds >= 0 ? .seconds(min(seconds, longestReset)) : nil }

    /// The same for whole seconds, which need no conversion.
    static func reset(_ seconds: Int) -> Duration? { seconds >= 0 ? .seconds(min(seconds, Int(longestReset))) : nil }
}
