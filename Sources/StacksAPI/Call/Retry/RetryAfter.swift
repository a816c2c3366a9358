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
