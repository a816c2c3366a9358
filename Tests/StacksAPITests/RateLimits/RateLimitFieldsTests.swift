import HTTPTypes
import StacksTransport
import Testing

@testable import StacksAPI

@Suite("The rate limit is read from raw lines as from fields")
struct RateLimitFieldsTests {
    private static let values = [
        "10", "0", "007", "+5", "-3", "", " 7 ", "1.5", "1e3", "x", "12345678", "123456789", "99999999999999999999",
        "999999999999999999", "1000000000000000000", "9223372036854775807", "9223372036854775808", "1٢", "٣",
    ]

    @Test("whatever the values are", arguments: values)
    func agrees(value: String) {
        for name in ["RateLimit-Limit", "ratelimit-remaining", "RATELIMIT-RESET", "RateLimit-Scope", "RateLimit-Else"] {
            let lines = "HTTP/2 200\r\ncontent-type: a\r\n\(name): \(value)\r\n\(name): 9\r\nratelimit: 3\r\n\r\n"
            let fields = HTTPFields([
                HTTPField(name: HTTPField.Name(name)!, value: value),
                HTTPField(name: HTTPField.Name(name)!, value: "9"),
            ])
            let read = RateLimit(ResponseHeaderFields(lines: Array(lines.utf8)))
            #expect(read == RateLimit(ResponseHeaderFields(fields)), "\(name): \(value)")
            #expect(
                (read == nil) == (name == "RateLimit-Else" || (name != "RateLimit-Scope" && isUnreadable(name, value))))
        }
    }

    private func isUnreadable(_ name: String, _ value: String) -> Bool {
        let value = value.split(separator: " ").joined()
        return name == "RATELIMIT-RESET"
            ? RetryAfter.seconds(value).flatMap { ServerWait.reset($0) } == nil : Int(value) == nil
    }

    @Test(
        "the scope is what the response states, whatever is expected",
        arguments: ["", "show", "show-job", "show-jab", "show-jobs", "SHOW-JOB"])
    func scope(expected: String) {
        for stated in ["show-job", "Show-Job", "s", ""] {
            let fields = ResponseHeaderFields(lines: Array("ratelimit-scope: \(stated)\r\n".utf8))
            let response = TransportResponse(status: .ok, headerFields: fields, body: [])
            #expect(RateLimit.stated(inSuccess: response, likelyScope: expected).scope == stated)
            #expect(RateLimit(fields)?.scope == stated)
        }
        let odd = ResponseHeaderFields(lines: Array("ratelimit-scope: a".utf8) + [0xFF, 0x0A])
        let response = TransportResponse(status: .ok, headerFields: odd, body: [])
        #expect(RateLimit.stated(inSuccess: response, likelyScope: expected).scope == "a\u{FFFD}")
        #expect(RateLimit(odd)?.scope == "a\u{FFFD}")
    }

    @Test(
        "a reset longer than a window can last is a short wait, in a field and in the body of a 429",
        arguments: [
            ("0", 0), ("9", 9), ("30", 30), ("31", 30), ("86400", 30), ("1784623777", 30), ("1784623777000", 30),
            ("-1", nil), ("9223372036854775807", 30), ("-9223372036854775808", nil),
        ] as [(String, Int?)])
    func reset(_ value: String, _ seconds: Int?) {
        let expected = seconds.map { Duration.seconds($0) }
        let fields = ResponseHeaderFields(lines: Array("RateLimit-Limit: 3\r\nRateLimit-Reset: \(value)\r\n".utf8))
        #expect(RateLimit(fields)?.limit == 3)
        #expect(RateLimit(fields)?.reset == expected)
        let body = Array(#"{"message":"slow","limit":3,"reset":\#(value)}"#.utf8)
        let told = RateLimit.stated(in: TransportResponse(status: .tooManyRequests, body: body))
        #expect(told?.limit == 3)
        #expect(told?.reset == expected)
    }
}
