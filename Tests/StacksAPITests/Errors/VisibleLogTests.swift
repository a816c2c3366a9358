import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

/// What servers and proxies write reaches neither a log handler nor an error with a line end or an escape of theirs.
@Suite struct VisibleLogTests {
    private static let hostile =
        "no\n2026-01-01 critical all is lost\u{1B}[2J\u{9B}\u{202E}\u{E0041}\u{200B}\u{2028}\u{FFF0}"

    private static let json = #"{"message":"no\n2026\u001b[2J\u009b\u202e\udb40\udc41\u200b\u2028"}"#

    private func isVisible(_ text: String) -> Bool { !text.unicodeScalars.contains { VisibleText.isHidden($0) } }

    @Test(
        "messages, request IDs, bodies and transport messages are escaped",
        arguments: [
            .response(.unprocessableContent, json), .response(.ok, json),
            .response(.badGateway, json, [HTTPField.Name("X-Request-Id")!: "a\u{9B}2J\u{202E}"]),
            .fail(TransportError(code: .other, phase: .waiting, message: hostile)),
            .response(.notFound, hostile),
        ] as [InMemoryTransport.Step])
    func escapes(step: InMemoryTransport.Step) async throws {
        let bed = try Testbed([step, step], clock: LeapingClock()) {
            $0.logsPayloads = true
            $0.retryPolicy.maximumAttempts = 2
        }
        let error = try await failure {
            _ = try await bed.client.registerStack(key: "k", metadata: ["a": Self.hostile])
        }
        #expect(isVisible(error.description), "\(error)")
        #expect(isVisible(error.serverMessage ?? ""))
        #expect(!bed.log.lines.isEmpty)
        for line in bed.log.lines {
            #expect(isVisible(line.message))
            for (name, value) in line.metadata { #expect(isVisible(value), "\(name): \(value)") }
        }
    }

    @Test("a long text is cropped to one line")
    func bounded() async throws {
        let long = String(repeating: "\u{202E}", count: 1_000_000)
        let bed = try Testbed([.fail(TransportError(code: .other, phase: .waiting, message: long))])
        let error = try await failure {
            _ = try await bed.client.tokenIdentity(options: CallOptions(retryPolicy: .never))
        }
        #expect(error.description.utf8.count < 50_000)
        #expect(bed.log.lines.allSatisfy { line in line.metadata.values.allSatisfy { $0.utf8.count < 60_000 } })
    }

    @Test("a request is logged once, when it is sent first, and not at all when it is not sent")
    func logsWhatIsSent() async throws {
        let refused = InMemoryTransport.Step.response(
            .tooManyRequests,
            #"{"message":"slow down","scope":"list-scheduled-jobs","limit":10,"current":11,"reset":3}"#)
        let page = InMemoryTransport.Step.response(.ok, #"{"jobs":[]}"#)
        let bed = try Testbed([refused, page, .response(.internalServerError), page], clock: LeapingClock()) {
            $0.logsPayloads = true
        }
        func list(_ options: CallOptions = .init()) async throws {
            _ = try await bed.client.scheduledJobs(stack: "k", queue: "default", options: options)
        }
        func counts() -> [Int] {
            [bed.transport.requests.count, bed.log.lines.count { $0.message == "Stacks API request" }]
        }
        _ = try await failure { try await list(CallOptions(retryPolicy: .never)) }
        #expect(counts() == [1, 1])
        // Its deadline comes before the scope may be used again.
        _ = try await failure { try await list(CallOptions(timeout: .seconds(1))) }
        #expect(counts() == [1, 1])
        try await list()
        #expect(counts() == [2, 2])
        // The same request again, after a failure.
        try await list()
        #expect(counts() == [4, 3])
    }

    @Test("as long as every response is a 404, the error says that the base URL lacks /v3")
    func versionOfBaseURL() async throws {
        func message(_ baseURL: String, _ steps: [InMemoryTransport.Step]) async throws -> String {
            let bed = try Testbed(steps) { $0.baseURL = baseURL }
            if steps.count > 1 { _ = try? await bed.client.tokenIdentity(options: CallOptions(retryPolicy: .never)) }
            return try await failure {
                _ = try await bed.client.tokenIdentity(options: CallOptions(retryPolicy: .never))
            }.description
        }
        let missing = InMemoryTransport.Step.response(.notFound, "<html>")
        for base in ["https://agent.buildkite.com", "https://agent.buildkite.com/", "https://host/v3/metrics"] {
            #expect(try await message(base, [missing]).contains("does not end in /v3"))
            #expect(try await message(base, [missing, missing]).contains("does not end in /v3"))
            // Somebody is there.
            #expect(try await !message(base, [.response(.ok, #"{"uuid":"u"}"#), missing]).contains("/v3"))
            #expect(try await !message(base, [.response(.unauthorized, "{}"), missing]).contains("does not end"))
        }
        for base in ["https://agent.buildkite.com/v3", "https://host/prefix/v3/"] {
            #expect(try await !message(base, [missing]).contains("does not end"))
        }
        #expect(try await !message("https://host", [.response(.unauthorized, "{}")]).contains("does not end"))
    }
}
