import HTTPTypes
import Logging
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

/// No secret in any description, dump or log line.
@Suite(.timeLimit(.minutes(5))) struct RedactionTests {
    private static let secrets = [Testbed.token, "bkjat_Acqu1sit10n", "hunter2", "rm -rf /", "pa55word"]

    private func expectNoSecret(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        for secret in Self.secrets {
            #expect(!text.contains(secret), "\(secret) in \(text)", sourceLocation: sourceLocation)
        }
    }

    private func everyForm(_ value: Any) -> String {
        var dumped = ""
        dump(value, to: &dumped)
        return "\(value) \(String(reflecting: value)) \(dumped) \(Mirror(reflecting: value).children.map { "\($0)" })"
    }

    @Test("descriptions of values contain no secrets")
    func hidesValues() throws {
        let job = Job(id: .sample, environment: ["API_KEY": "hunter2"], command: "rm -rf /")
        let tokens = JobAcquisitionTokens(issued: [.init(job: .sample, token: Secret("bkjat_Acqu1sit10n"))])
        let bed = try Testbed()
        for value in [
            job, tokens, tokens.issued[0], Secret("hunter2"), bed.client, StacksResponse(value: job),
            StacksResponse(value: tokens), [job], ["k": Secret("hunter2")],
        ] as [Any] {
            expectNoSecret(everyForm(value))
        }
        #expect("\(job)".contains("API_KEY"), "names are shown")
        #expect("\(tokens.issued[0])".contains("[redacted]"))
    }

    @Test("logs with payloads contain no secret")
    func hidesInLogs() async throws {
        let bed = try Testbed(
            [
                .response(
                    .ok,
                    #"{"id":"x","env":{"API_KEY":"hunter2","N":"pa55word"},"nested":{"env":{"deep":["hunter2",{"x":"hunter2"}]}},"command":"rm -rf /","more_tokens":["pa55word"]}"#
                ),
                .response(
                    .created,
                    #"{"job_acquisition_tokens":[{"job_uuid":"x","job_acquisition_token":"bkjat_Acqu1sit10n"}],"client_secret":"pa55word"}"#
                ),
                .response(.unauthorized, #"{"message":"Invalid token \#(Testbed.token)","token":"bkjat_Acqu1sit10n"}"#),
                .response(.badGateway, "<html>Authorization: Token \(Testbed.token)</html>"), .response(),
                .response(.ok, #"{"id":"x","env":{"API_KEY":"hunter2"},"command":5}"#),
                .fail(TransportError(code: .other, phase: .waiting, message: "sent Token \(Testbed.token)")),
                .lostResponse,
            ]
        ) { configuration in
            configuration.logsPayloads = true
            configuration.retryPolicy.jitter = .zero ... .zero
            configuration.retryPolicy.backoff = Backoff(initial: .zero, multiplier: 1, maximum: .zero)
            configuration.retryPolicy.maximumAttempts = 2
        }
        let client = bed.client
        _ = try await client.job("x", stack: "s")
        _ = try await client.issueJobAcquisitionTokens(for: ["x"], stack: "s")
        var errors = [try await failure { _ = try await client.tokenIdentity() }]
        _ = try await client.tokenIdentity()
        errors.append(try await failure { _ = try await client.job("x", stack: "s") })
        errors.append(try await failure { _ = try await client.tokenIdentity() })
        for error in errors {
            expectNoSecret(everyForm(error))
            expectNoSecret(String(decoding: error.body, as: UTF8.self))
            expectNoSecret(error.serverMessage ?? "")
            expectNoSecret(error.underlying.map(everyForm) ?? "")
        }
        #expect(errors[0].serverMessage == "Invalid token [redacted]")
        #expect(errors[1].code == .decoding)
        #expect(errors[1].body.isEmpty, "a body that can hold a job's secrets is not kept")
        expectNoSecret(bed.log.text)
        #expect(bed.log.text.contains("API_KEY"), "the payloads were logged")
        #expect(bed.log.text.contains("job_acquisition_token"))
        #expect(bed.log.lines.contains { $0.metadata["headers"]?.contains("[redacted]") == true })
    }

    @Test("each outcome logs one line, at its level, with its metadata")
    func logsOutcomes() async throws {
        let clock = ManualClock()
        let bed = try Testbed(
            [.response(.badGateway), .response(), .response(.notFound, #"{"message":"no such job"}"#)], clock: clock)
        async let response = bed.client.tokenIdentity()
        await clock.waitForSleepers()
        clock.advance(by: .seconds(2))
        _ = try await response
        _ = try await failure { _ = try await bed.client.job("x", stack: "s") }
        let lines = bed.log.lines
        #expect(lines.map(\.level) == [.notice, .debug, .debug])
        #expect(lines[0].metadata["request_id"] == lines[1].metadata["request_id"])
        #expect(lines[1].metadata["request_id"] != lines[2].metadata["request_id"])
        #expect(lines[0].metadata["delay"] == "1.5 seconds")
        #expect(lines[0].metadata["attempt"] == "1" && lines[1].metadata["attempt"] == "2")
        #expect(lines[1].metadata["call"] == "tokenIdentity" && lines[1].metadata["stack"] == nil)
        #expect(lines[2].metadata["call"] == "job")
        #expect(lines[2].metadata["stack"] == "s" && lines[2].metadata["job"] == "x")
        #expect(lines[2].metadata["status"] == "404")
        #expect(lines[2].metadata["server_message"] == "no such job")
        #expect(lines.allSatisfy { $0.metadata["body"] == nil }, "payloads are off by default")
    }

    @Test("lines below the logger's level are not logged")
    func obeysTheLevel() async throws {
        let bed = try Testbed([.response(), .response(.notFound)], logLevel: .notice) { $0.logsPayloads = true }
        _ = try await bed.client.tokenIdentity()
        _ = try await failure { _ = try await bed.client.tokenIdentity() }
        #expect(bed.log.lines.isEmpty)
    }

    @Test("credentials are found anywhere in a text")
    func scrubs() {
        let redaction = Redaction(token: Secret("t0ken.x"))
        #expect(redaction.scrub("t0ken.x") == "[redacted]")
        #expect(
            redaction.scrub("a t0ken.x, \"bkct_0123456789\" and bkjat_abc.def-ghi!")
                == "a [redacted], \"[redacted]\" and [redacted]!")
        #expect(
            redaction.scrub("bk_1 backup_0123456789 bk subkct_0123456789")
                == "bk_1 backup_0123456789 bk subkct_0123456789")
        #expect(redaction.scrub("") == "")
    }

    @Test("a token after an escape sequence of JSON or of a URL is found")
    func scrubsBehindEscapes() {
        let redaction = Redaction()
        for escape in [#"\n"#, #"\t"#, #"\u0020"#, #"\\n"#, "%20", "%3D", "%3d"] {
            let text = "see" + escape
            #expect(redaction.scrub(text + "bkjat_0123456789") == text + "[redacted]")
        }
        #expect(redaction.scrub("100subkct_0123456789 u0020bkct_0123456789").contains("[redacted]") == false)
    }

    @Test(
        "the value of an authorization header field is redacted in JSON too",
        arguments: [
            (#"{"Authorization":"Basic dTpw","a":"b"}"#, #"{"Authorization":"[redacted]","a":"b"}"#),
            (#"{"Proxy-Authorization" : "Basic dTpw"}"#, #"{"Proxy-Authorization" : "[redacted]"}"#),
            (#"{"authorization":["Basic dTpw"]}"#, #"{"authorization":["[redacted]"]}"#),
            (#""{\"Authorization\":\"Basic dTpw\"}""#, #""{\"Authorization\":\"[redacted]\"}""#),
            (#"{"Authorization":"","a":"b"}"#, #"{"Authorization":"","a":"b"}"#),
            ("Authorization: Basic dTpw", "Authorization: [redacted]"),
            (
                #""Authorization: Basic dTpw\nAuthorization:\nHost: h""#,
                #""Authorization: [redacted]\nAuthorization:\nHost: h""#
            ),
        ])
    func scrubsAuthorization(_ text: String, _ scrubbed: String) {
        #expect(Redaction().scrub(text) == scrubbed)
    }

    @Test("a URL's password is redacted up to the last @")
    func scrubsPasswords() {
        let redaction = Redaction()
        #expect(redaction.scrub("http://u:pa55@word@proxy:80/a@b") == "http://[redacted]@proxy:80/a@b")
        #expect(redaction.scrub("http://proxy:80/a@b") == "http://proxy:80/a@b")
    }

    @Test("names of secrets are recognized however their words are joined")
    func knowsNames() {
        for name in ["api_key", "apikey", "API-Key", "x-api-key", "credentials", "private_key", "privateKey"] {
            #expect(PayloadRedaction.namesSecret(name), "\(name)")
        }
        #expect(!PayloadRedaction.namesSecret("queue_key"))
    }
}
