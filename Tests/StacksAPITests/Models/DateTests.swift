import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

@Suite struct DateTests {
    private func parse(_ text: String) -> Date? { Array(text.utf8).withUnsafeBufferPointer { ISO8601.parse($0) } }

    @Test(
        "dates are decoded in all supported forms of ISO 8601",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-19T08:30:00Z", 1_795_077_000),
            ("2026-11-19T08:30:00.5Z", 1_795_077_000.5),
            ("2026-11-19T08:30:00.123456789123Z", 1_795_077_000.123456789),
            ("2026-11-19T09:30:00+01:00", 1_795_077_000),
            ("2026-11-19T03:00:00-0530", 1_795_077_000), ("2026-11-19T10:30:00+02", 1_795_077_000),
            ("2026-11-19 08:30:00Z", 1_795_077_000), ("2026-11-19t08:30:00z", 1_795_077_000),
            ("2024-02-29T23:59:60Z", 1_709_251_200), ("0000-01-01T00:00:00Z", -62_167_219_200),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799.999),
        ])
    func reads(_ text: String, _ seconds: Double) throws {
        let date = try #require(parse(text))
        #expect(abs(date.timeIntervalSince1970 - seconds) < 0.0001)
    }

    @Test(
        "anything else is not a date",
        arguments: [
            "", "2026-11-19", "2026-11-19T08:30:00", "2026-11-19T08:30Z", "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+00:60",
            "2026-01-01T00:00:00Zx",
            "2026-01-01T00:00:00 UTC", "2026/01/01T00:00:00Z", "20260101T000000Z....", "+026-01-01T00:00:00Z",
            "1795077000",
            "2026-01-01T00:00:00+", "2026-01-01T00:00:00+:00",
        ])
    func refuses(_ text: String) { #expect(parse(text) == nil) }

    @Test("a date is the same, whichever minute was parsed before it")
    func remembersTheMinute() {
        let ends = ["00Z", "59.25Z", "60Z", "61Z", "0aZ", "07+01:30", "07", ".5Z", "1Z"]
        let starts = [
            "2026-11-19T08:30:", "2026-11-19T08:31:", "2026-11-19 08:30:", "2026-11-19T08:30-", "2026-02-29T08:30:",
        ]
        let texts = starts.flatMap { start in ends.map { start + $0 } }
        for first in texts {
            for second in texts {
                var minute: ISO8601.Minute?
                let dates = [first, second, first].map { text in
                    Array(text.utf8).withUnsafeBufferPointer { ISO8601.parse($0, &minute) }
                }
                #expect(dates == [parse(first), parse(second), parse(first)], "\(first), \(second)")
            }
        }
    }

    @Test("dates over ten thousand years agree with Foundation's calendar in both directions")
    func agreesWithFoundation() throws {
        var generator = SeededGenerator(seed: 7)
        let formatter = ISO8601DateFormatter()
        for _ in 0..<300 {
            // From 1600 on, where Foundation's calendar and the proleptic one of ISO 8601 are the same.
            let date = Date(
                timeIntervalSince1970: Double(Int.random(in: -11_676_096_000...253_402_300_799, using: &generator)))
            let text = formatter.string(from: date)
            #expect(parse(text) == date, "\(text)")
            #expect(ISO8601.text(date) == text.replacingOccurrences(of: "Z", with: ".000Z"))
        }
    }

    @Test("a timestamp is rounded down to milliseconds, so that the present is never in the future")
    func roundsDown() {
        #expect(ISO8601.text(Date(timeIntervalSince1970: 1.9999)) == "1970-01-01T00:00:01.999Z")
        #expect(ISO8601.text(Date(timeIntervalSince1970: -0.0001)) == "1969-12-31T23:59:59.999Z")
        #expect(ISO8601.text(Date(timeIntervalSince1970: 1e12)) == nil)
        #expect(ISO8601.text(Date(timeIntervalSince1970: .nan)) == nil)
        #expect(ISO8601.text(Date(timeIntervalSince1970: -.infinity)) == nil)
    }

    @Test("every millisecond of a second is encoded as it was decoded, before and after 1970")
    func keepsMilliseconds() throws {
        for second in ["2026-11-22T01:04:19", "1969-12-31T23:59:59", "2001-01-01T00:00:00", "2038-01-19T03:14:07"] {
            for millisecond in 0..<1000 {
                let digits = String(millisecond)
                let text = "\(second).\(String(repeating: "0", count: 3 - digits.count))\(digits)Z"
                #expect(try ISO8601.text(#require(parse(text))) == text)
            }
        }
    }

    @Test("Retry-After is read as seconds and as a date")
    func readsRetryAfter() {
        let now = Date(timeIntervalSince1970: 784_111_777)  // Sun, 06 Nov 1994 08:49:37 GMT
        func delay(_ value: String, date: String? = nil) -> Duration? {
            RetryAfter.delay(in: date.map { [.retryAfter: value, .date: $0] } ?? [.retryAfter: value], now: now)
        }
        #expect(delay("0") == .zero)
        #expect(delay("7") == .seconds(7))
        #expect(delay("0.5") == .milliseconds(500))
        #expect(delay("Sun, 06 Nov 1994 08:49:47 GMT") == .seconds(10))
        #expect(delay("Sun, 06 Nov 1994 08:49:27 GMT") == .zero)
        #expect(delay("Sun, 06 Nov 1994 08:49:47 GMT", date: "Sun, 06 Nov 1994 08:49:44 GMT") == .seconds(3))
        // Nobody waits for more than a day.
        #expect(delay("86401") == .seconds(86_400))
        for value in ["1784623777", "1784623777000", "99999999999999999999", "9223372036854775807", "1e300"] {
            #expect(delay(value) == .seconds(86_400), "\(value)")
        }
        #expect(delay("Thu, 01 Jan 2099 00:00:00 GMT") == .seconds(86_400))
        #expect(delay("Fri, 31 Dec 9999 23:59:59 GMT", date: "Sat, 01 Jan 0000 00:00:00 GMT") == .seconds(86_400))
        for value in [
            "", "-1", "soon",
            "nan", "inf", "1e999", "Sun, 06 Nov 1994 08:49:47 PST", "Sun, 32 Nov 1994 08:49:47 GMT",
        ] {
            #expect(delay(value) == nil, "\(value)")
        }
    }
}
