import Foundation
import HTTPTypes
import StacksAPI
import StacksTransport

extension FuzzTarget {
    private static let names = [
        "RateLimit-Scope", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "Date",
        "X-Request-Id", "Name", "Last",
    ].compactMap { HTTPField.Name($0) }

    /// A field that is looked up is the first one of that name among all of them, wherever HTTP allows its value.
    func testHeaders(_ bytes: [UInt8]) {
        let fields = ResponseHeaderFields(lines: bytes)
        let all = fields.fields
        for name in Self.names {
            let value = fields[name]
            let first = all.first { $0.name == name }
            precondition((value == nil) == (first == nil), "\(name) is found in one way alone")
            if let value, let first, HTTPField.isValidValue(value) {
                precondition(first.value == value, "\(name) has two values")
            }
        }
        let limit = DecoderEntryPoints.rateLimit(TransportResponse(status: .ok, headerFields: fields))
        let wait = DecoderEntryPoints.retryAfter(fields, now: Date(timeIntervalSince1970: 784_111_777))
        for duration in [limit?.reset, wait].compactMap({ $0 }) {
            precondition(duration >= .zero && duration <= .seconds(315_360_000), "a wait without a bound")
            // What a governor does with it.
            _ = ContinuousClock.now.advanced(by: duration)
        }
    }

    /// A date is one that can be written, and the writing means the same millisecond.
    func testDates(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let date = DecoderEntryPoints.httpDate(text) {
            precondition(ISO8601.text(date) != nil || text.contains(":60 "), "a date of HTTP outside of the calendar")
        }
        guard let date = ISO8601.date(text) else { return }
        guard let written = ISO8601.text(date) else {
            // An offset can move the first and the last day out of the years that have four digits.
            precondition(text.hasPrefix("0000-01-01") || text.hasPrefix("9999-12-31"), "a date that cannot be written")
            return
        }
        let back = ISO8601.date(written)
        precondition(back.map { abs($0.timeIntervalSince(date)) < 0.0011 } ?? false, "\(written) is another date")
    }
}
