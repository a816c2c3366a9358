import HTTPTypes
import StacksTransport
import Testing

@testable import StacksAPI

@Suite("The rate limit is read from raw lines as from fields")
struct RateLimitFieldsTests {
    private static let values = [
        "10", "0", "007", "+5", "-3", "", " 7 ", "1.5", "1e3", "x", "12345678", "123456789", "99999999999999999999",
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
        return name == "RATELIMIT-RESET" ? RetryAfter.seconds(value) == nil : Int(value) == nil
    }

    @Test("the scope that was expected, and another one")
    func scope() {
        let fields = ResponseHeaderFields(lines: Array("RateLimit-Scope: show-job\r\n".utf8))
        #expect(RateLimit(fields, expecting: "show-job")?.scope == "show-job")
        #expect(RateLimit(fields, expecting: "show-jo")?.scope == "show-job")
        #expect(RateLimit(fields, expecting: nil)?.scope == "show-job")
    }
}
