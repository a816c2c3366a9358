import Benchmark
import HTTPTypes
import StacksAPI
import StacksTransport

/// Looking up a header field in the lines of a response.
func registerHeaders() {
    let fields = ResponseHeaderFields(lines: CannedResponse.headerLines)
    for (place, text) in [("first", "content-type"), ("last", "ratelimit-reset"), ("absent", "retry-after")] {
        guard let name = HTTPField.Name(text) else { continue }
        Benchmark("header, \(place)", configuration: .short) { benchmark in
            for _ in benchmark.scaledIterations { blackHole(fields[name]) }
        }
    }
    Benchmark("header, rate limit", configuration: .short) { benchmark in
        for _ in benchmark.scaledIterations { blackHole(RateLimit(fields)) }
    }
    Benchmark("header, all fields", configuration: .short) { benchmark in
        for _ in benchmark.scaledIterations { blackHole(fields.fields) }
    }
}
