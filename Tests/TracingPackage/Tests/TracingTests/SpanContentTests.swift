import Foundation
import HTTPTypes
import InMemoryTracing
import StacksAPI
import StacksTesting
import StacksTransport
import Testing
import Tracing

/// What is in spans, and what must not be, over everything that a client does.
@Suite struct SpanContentTests {
    /// Parts of the client's token, of responses and of sent values.
    private static let secrets = [
        TracedBed.token, "bkjat_Acqu1sit10n", "hunter2", "rm -rf /", "a-detail", "a-value", "a-header",
    ]

    /// The spans of every operation with each of these responses.
    private func everything() async throws -> [FinishedInMemorySpan] {
        let bed = TracedBed()
        let job = TracedBed.job
        let body = #"""
            {"id":"x","key":"k","env":{"API_KEY":"hunter2"},"command":"rm -rf /","jobs":[],"errors":[],
            "states":{"\#(job)":"finished"},"reserved":[],"not_reserved":[],
            "job_acquisition_tokens":[{"job_uuid":"x","job_acquisition_token":"bkjat_Acqu1sit10n"}],"not_issued":[]}
            """#
        let metrics = TransportMetrics(httpVersion: .http1_1)
        let responses: [InMemoryTransport.Step] = [
            TracedBed.response(.ok, body, metrics: metrics),
            TracedBed.response(.ok, "<html>hunter2"),
            TracedBed.response(.unauthorized, #"{"message":"no \#(TracedBed.token)","env":{"API_KEY":"hunter2"}}"#),
            TracedBed.response(.badGateway, "hunter2"),
            TracedBed.lostResponse,
            .fail(TransportError(code: .other, phase: .waiting, message: "sent \(TracedBed.token)")),
        ]
        let options = CallOptions(headerFields: [.acceptLanguage: "a-header"])
        let notes = (0..<2500).map { _ in JobNotification(job: job, detail: "a-detail") }
        let calls: [(StacksClient) async throws -> Void] = [
            { try await $0.registerStack(key: "k", metadata: ["name": "a-value"], options: options) },
            { try await $0.deregisterStack(key: "k", options: options) },
            { _ = try await $0.scheduledJobs(stack: "k", queue: "q", options: options) },
            { _ = try await $0.reserveJobs([job], stack: "k", options: options) },
            { _ = try await $0.job(job, stack: "k", options: options) },
            { _ = try await $0.jobStates([job], stack: "k", options: options) },
            { _ = try await $0.issueJobAcquisitionTokens(for: [job], stack: "k", options: options) },
            { try await $0.finishJob(job, stack: "k", exitStatus: 1, detail: "a-detail", options: options) },
            { try await $0.notify(notes, stack: "k", options: options) },
            { _ = try await $0.tokenIdentity(options: options) },
        ]
        for response in responses {
            for call in calls {
                let (client, _) = try bed.client([
                    response, TracedBed.response(.ok, body), TracedBed.response(.notFound),
                ])
                do { try await call(client) } catch is StacksAPIError {}
            }
        }
        // Eleven pages in one second: the last one waits.
        let page = TracedBed.response(.ok, #"{"jobs":[]}"#)
        let clock = ManualClock()
        let limited = TransportResponse(
            status: .ok, headerFields: ResponseHeaderFields([HTTPField.Name("RateLimit-Limit")!: "1"]),
            body: Array(#"{"jobs":[]}"#.utf8))
        let (client, _) = try bed.client([.respond(limited), page]) { $0.clock = clock }
        _ = try await client.scheduledJobs(stack: "k", queue: "q")
        async let second = client.scheduledJobs(stack: "k", queue: "q")
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1))
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1))
        _ = try await second
        #expect(bed.tracer.activeSpans.isEmpty)
        return bed.tracer.finishedSpans
    }

    @Test("no span contains a credential, a value of a job, or a sent value")
    func hidesSecrets() async throws {
        let spans = try await everything()
        #expect(spans.count > 100)
        #expect(spans.contains { !$0.errors.isEmpty })
        for span in spans {
            let errors = span.errors.map { "\($0.error) \(String(reflecting: $0.error)) \($0.attributes)" }
            let bodies = span.errors.compactMap { ($0.error as? StacksAPIError)?.body }.joined()
            let text =
                "\(span.operationName) \(TracedBed.text(span)) \(span.status as Any) \(span.events) \(errors)"
                + String(decoding: bodies, as: UTF8.self)
            for secret in Self.secrets { #expect(!text.contains(secret), "\(secret) in \(text)") }
        }
    }

    @Test("the article has exactly the attributes, with span and type")
    func documentsAttributes() async throws {
        var seen: Set<String> = []
        for span in try await everything() {
            let isCall = span.operationName.allSatisfy(\.isLetter)
            span.attributes.forEach { key, value in
                let type =
                    switch value {
                    case .string: "string"
                    case .int64: "integer"
                    case .double: "double, s"
                    case .bool: "boolean"
                    default: "unknown"
                    }
                seen.insert("\(key) \(isCall ? "call" : "request") \(type)")
            }
        }
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../..")
        let article = try String(
            contentsOf: root.appending(path: "Sources/StacksAPI/StacksAPI.docc/Tracing.md"), encoding: .utf8)
        var documented: Set<String> = []
        for line in article.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let name = cells[0].trimmingCharacters(in: ["`"])
            for span in cells[1] == "both" ? ["call", "request"] : [cells[1]] {
                documented.insert("\(name) \(span) \(cells[2])")
            }
        }
        #expect(documented == seen, "\(documented.symmetricDifference(seen).sorted())")
    }
}
