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
    /// What an answer asks for. A date is counted from the answer's own `Date`, so that a clock that is wrong here does
    /// no harm, and from `now` when it carries none.
    static func delay(in fields: ResponseHeaderFields, now: @autoclosure () -> Date = Date()) -> Duration? {
        guard let value = fields[.retryAfter] else { return nil }
        if let seconds = seconds(value) { return seconds }
        guard let date = HTTPDate.parse(value) else { return nil }
        let answered = fields[.date].flatMap { HTTPDate.parse($0) } ?? now()
        return .seconds(max(0, min(date.timeIntervalSince(answered), longest)))
    }

    /// A number of seconds, with or without a fraction; `nil` for anything else.
    static func seconds(_ text: String) -> Duration? {
        guard let first = text.utf8.first, first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9") else { return nil }
        guard let seconds = Double(text), seconds.isFinite else { return nil }
        return .seconds(min(seconds, longest))
    }

    /// Ten years: long enough to mean never, short enough for a `Duration` to be added to any instant.
    private static let longest: Double = 315_360_000
}
