import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

@Suite struct ErrorTests {
    private func error(_ step: InMemoryTransport.Step) async throws -> StacksAPIError {
        let bed = try Testbed([step])
        return try await failure { _ = try await bed.client.tokenIdentity(options: CallOptions(retryPolicy: .never)) }
    }

    @Test(
        "each status has its code",
        arguments: [
            (400, .badRequest, false), (401, .unauthorized, false), (403, .forbidden, false), (404, .notFound, false),
            (422, .unprocessable, false), (429, .rateLimited, true), (500, .serverError, true),
            (502, .serverError, true),
            (503, .unavailable, true), (599, .serverError, true), (302, .unexpectedStatus, false),
            (418, .unexpectedStatus, false),
        ] as [(Int, StacksAPIError.Code, Bool)])
    func mapsStatuses(_ status: Int, _ code: StacksAPIError.Code, _ isRetryable: Bool) async throws {
        let error = try await error(.answer(.init(code: status), #"{"message":"the reason"}"#))
        #expect(error.code == code)
        #expect(error.isRetryable == isRetryable)
        #expect(error.operation == .tokenIdentity)
        #expect(error.status?.code == status)
        #expect(error.serverMessage == "the reason")
        #expect(error.attempts == 1)
        #expect(String(decoding: error.body, as: UTF8.self) == #"{"message":"the reason"}"#)
        #expect(error.description.hasPrefix("tokenIdentity: The server responded with \(status)"), "\(error)")
        #expect(error.description.hasSuffix("The server says: the reason"), "\(error)")
    }

    @Test("a 429 tells its rate limit and how long to wait")
    func tellsRateLimits() async throws {
        let error = try await error(
            .answer(
                .tooManyRequests, #"{"message":"slow down","scope":"show-job","limit":10,"current":11,"reset":1}"#,
                [
                    HTTPField.Name("RateLimit-Scope")!: "show-job", HTTPField.Name("RateLimit-Remaining")!: "0",
                    .retryAfter: "3", HTTPField.Name("X-Request-Id")!: "req-1",
                ]))
        #expect(error.rateLimit == RateLimit(scope: "show-job", limit: 10, remaining: 0, reset: .seconds(1)))
        #expect(error.retryAfter == .seconds(3))
        #expect(error.serverRequestID == "req-1")
    }

    @Test(
        "an answer without a message is described instead",
        arguments: [
            ("", "empty"), ("<html><body>502 Bad Gateway</body></html>", "HTML"), ("{}", "without a message"),
            (#"{"message":null}"#, "without a message"), (#"{"message":5}"#, "without a message"),
            ("[]", "without a message"),
            (#"{"message":""}"#, "without a message"), (#"{"message":"cut"#, "without a message"),
        ])
    func describesOtherBodies(_ body: String, _ expected: String) async throws {
        let error = try await error(.answer(.badGateway, body))
        #expect(error.serverMessage == nil)
        #expect(error.description.contains(expected), "\(error)")
        #expect(error.body == Array(body.utf8))
    }

    @Test("body and message have a limited length, and a message stays on one line")
    func boundsBodies() async throws {
        let long = String(repeating: "x", count: 100_000)
        let error = try await error(.answer(.badRequest, #"{"message":"a\nb\u0000 \#(long)"}"#))
        #expect(error.body.count == StacksAPIError.maximumBodySize)
        #expect(error.serverMessage?.count == 1001)
        #expect(error.serverMessage?.hasPrefix("a b  xxx") == true)
    }

    @Test("a successful response that cannot be decoded is an error with the field and the byte")
    func namesWhatIsWrong() async throws {
        for (body, expected) in [
            ("", "the body is empty (byte 0)"), ("[]", "expected an object, found an array (byte 0)"),
            ("<html>", "expected an object, found '<' (byte 0)"),
            (#"{"uuid":}"#, "expected a value, found '}' at uuid (byte 8)"),
            (#"{"uuid":"a"}x"#, "there are bytes after the end of the document (byte 12)"),
        ] {
            let error = try await error(.answer(.ok, body))
            #expect(error.code == .decoding)
            #expect(error.status == .ok)
            #expect(
                error.description
                    == "tokenIdentity: The server responded with 200, and the body cannot be decoded: \(expected)."
            )
            #expect(error.body == Array(body.utf8))
        }
    }

    @Test("a missing required field is named")
    func namesMissingFields() async throws {
        func missing(_ field: String, _ body: String, _ call: (StacksClient) async throws -> Void) async throws {
            let bed = try Testbed([.answer(.ok, body)])
            let error = try await failure { try await call(bed.client) }
            #expect(error.code == .decoding)
            #expect(error.description.contains("the field \"\(field)\" is missing"), "\(error)")
        }
        try await missing("jobs", "{}") { _ = try await $0.scheduledJobs(stack: "s", queue: "q") }
        try await missing("reserved", #"{"not_reserved":[]}"#) { _ = try await $0.reserveJobs([.sample], stack: "s") }
        try await missing("states", "{}") { _ = try await $0.jobStates([.sample], stack: "s") }
        try await missing("id", #"{"env":{}}"#) { _ = try await $0.job(.sample, stack: "s") }
        try await missing("job_acquisition_tokens", #"{"not_issued":[]}"#) {
            _ = try await $0.issueJobAcquisitionTokens(for: [.sample], stack: "s")
        }
        try await missing("state", #"{"id":"s","organization_uuid":"o","key":"k","type":"custom"}"#) {
            _ = try await $0.registerStack(key: "k")
        }
    }

    @Test("a transport's failure is told with its phase")
    func tellsTransportFailures() async throws {
        let error = try await error(.refused)
        #expect(error.code == .transport)
        #expect(error.underlying?.code == .connect)
        #expect(error.isRetryable)
        #expect(
            error.description
                == "tokenIdentity: No response from https://agent.buildkite.com: "
                + "refused (connect while connecting; the request was not sent).")
    }

    @Test("an error that is no TransportError counts as one that may have arrived, and its text is not shown")
    func toleratesOtherErrors() async throws {
        struct Odd: Error { let secret = "hunter2" }
        let transport = InMemoryTransport { _ in throw Odd() }
        let client = try StacksClient(token: "t", transport: transport)
        let error = try await failure {
            try await client.finishJob(
                .sample, stack: "s", exitStatus: 1, detail: "d", options: CallOptions(retryPolicy: .never))
        }
        #expect(error.code == .transport)
        #expect(error.mayHaveTakenEffect)
        #expect(error.description.contains("Odd"))
        #expect(!error.description.contains("hunter2"))
        #expect(transport.requests.count == 1)
    }

    @Test("codes are equal, hashable and have names fit for labels")
    func hasCodes() {
        let codes: Set<StacksAPIError.Code> = [.notFound, .notFound, .decoding]
        #expect(codes.count == 2)
        #expect(StacksAPIError.Code.rateLimited.description == "rateLimited")
    }
}
