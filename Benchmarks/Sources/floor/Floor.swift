import Contestant
import CurlLoop
import Workload

/// The contestant that the others are measured against: a C loop on libcurl, which reads nothing of what it gets. With
/// `--plain` it is the loop that one would write at first.
@main
enum Floor: ContestantProgram {
    static func run() async throws {
        let arguments = ContestantArguments()
        let kind = arguments.flags.contains("--plain") ? CURL_LOOP_PLAIN : CURL_LOOP_GATHERING
        guard let loop = curl_loop_create(arguments.authorityFile, kind) else { throw OutOfMemory() }
        defer { curl_loop_destroy(loop) }
        // Made before anything is measured.
        let prepared = Dictionary(uniqueKeysWithValues: Call.allCases.map { ($0, ($0.request, $0.response.count)) })
        try await Conversation.hold(engine: String(cString: curl_loop_version())) { order, latencies in
            guard let (request, responseLength) = prepared[order.call] else { throw OutOfMemory() }
            var result = curl_loop_result()
            let outcome = request.method.withCString { method in
                (arguments.origin + request.path).withCString { url in
                    WireRequest.token.withCString { token in
                        (request.body ?? []).withUnsafeBufferPointer { body in
                            var wire = curl_loop_request(
                                method: method, url: url, token: token,
                                body: request.body == nil ? nil : body.baseAddress, body_length: body.count)
                            return curl_loop_run(
                                loop, &wire, order.concurrency, UInt64(order.calls),
                                UInt64(order.milliseconds) * 1_000_000, latencies.values.baseAddress, &result)
                        }
                    }
                }
            }
            var failure = withUnsafeBytes(of: result.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if outcome == 0, result.response_length != responseLength, result.errors == 0 {
                result.errors = 1
                failure = "the response has \(result.response_length) bytes"
            }
            if outcome != 0 { failure = "libcurl failed" }
            return Tally(
                calls: Int(result.calls), errors: outcome == 0 ? Int(result.errors) : max(1, Int(result.calls)),
                firstError: failure.isEmpty ? nil : failure)
        }
    }

    struct OutOfMemory: Error {}
}
