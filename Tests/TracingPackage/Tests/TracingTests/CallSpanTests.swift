import HTTPTypes
import InMemoryTracing
import StacksAPI
import StacksTesting
import StacksTransport
import Testing
import Tracing

/// One span for each call, one below it for each request.
@Suite struct CallSpanTests {
    private let bed = TracedBed()
    private let job = TracedBed.job

    @Test("a call is a span with the operation's name, and its request one below it, named by method and path")
    func namesSpans() async throws {
        let (client, _) = try bed.client([
            TracedBed.answer(.ok, #"{"states":{}}"#, metrics: TransportMetrics(httpVersion: .http2))
        ])
        _ = try await client.jobStates([job], stack: "mac-fleet")
        let spans = try bed.spans(2)
        let (request, call) = (spans[0], spans[1])
        #expect(call.operationName == "jobStates")
        #expect(call.kind == .client)
        #expect(call.parentSpanID == nil)
        #expect(call.status == nil)
        #expect(
            TracedBed.text(call) == [
                "buildkite.operation": "jobStates", "buildkite.outcome": "success", "buildkite.requests": "1",
                "server.address": "agent.buildkite.com", "server.port": "443",
            ])
        #expect(request.operationName == "POST /v3/stacks/{stack_key}/jobs/get-states")
        #expect(request.kind == .client)
        #expect(request.parentSpanID == call.spanID && request.traceID == call.traceID)
        #expect(
            TracedBed.text(request) == [
                "http.request.method": "POST", "http.response.status_code": "200", "network.protocol.version": "2",
                "server.address": "agent.buildkite.com", "server.port": "443",
                "url.full": "https://agent.buildkite.com/v3/stacks/mac-fleet/jobs/get-states",
                "url.template": "/v3/stacks/{stack_key}/jobs/get-states",
            ])
    }

    @Test("a call belongs to the span of the task that makes it, whichever tracer is in force when it is made")
    func findsParents() async throws {
        let (client, _) = try bed.client([TracedBed.answer()]) { $0.tracer = nil }
        try await withTracer(bed.tracer) {
            try await InstrumentationSystem.tracer.withSpan("poll") { _ in _ = try await client.tokenIdentity() }
        }
        let spans = try bed.spans(3)
        #expect(spans.map(\.operationName) == ["GET /v3/token", "tokenIdentity", "poll"])
        #expect(spans[1].parentSpanID == spans[2].spanID)
        #expect(Set(spans.map(\.traceID)).count == 1)
    }

    @Test("each request carries the context of its own span, and no field that is the client's alone")
    func injectsContext() async throws {
        let (client, transport) = try bed.client([TracedBed.answer(.serviceUnavailable), TracedBed.answer()])
        _ = try await client.tokenIdentity()
        let spans = try bed.spans(3)
        let sent = transport.requests.map { $0.headerFields[HTTPField.Name(InMemoryTracer.spanIDKey)!] }
        #expect(sent == [spans[0].spanID, spans[1].spanID])
        #expect(
            transport.requests.allSatisfy {
                $0.headerFields[HTTPField.Name(InMemoryTracer.traceIDKey)!] == spans[2].traceID
                    && $0.headerFields[.authorization] == "Token \(TracedBed.token)"
            })
    }

    @Test("an instrument cannot take the place of the token, or add what is no header field")
    func refusesFields() async throws {
        let (client, transport) = try bed.client([TracedBed.answer()]) { $0.tracer = Greedy() }
        _ = try await client.tokenIdentity()
        let fields = transport.requests[0].headerFields
        #expect(fields[.authorization] == "Token \(TracedBed.token)")
        #expect(fields[HTTPField.Name("traceparent")!] == "00-1-2-01")
        #expect(fields.count == 4, "\(fields.map(\.name))")
    }

    @Test("a request that is sent again has a span of its own, which counts; the failed one says why")
    func tellsRetries() async throws {
        let (client, _) = try bed.client([TracedBed.answer(.badGateway), TracedBed.lostAnswer, TracedBed.answer()])
        _ = try await client.tokenIdentity()
        let spans = try bed.spans(4)
        #expect(spans.map { TracedBed.text($0)["error.type"] } == ["502", "connectionClosed", nil, nil])
        #expect(spans.map { TracedBed.text($0)["http.request.resend_count"] } == [nil, "1", "2", nil])
        #expect(spans.map { $0.status?.code } == [.error, .error, nil, nil])
        #expect(TracedBed.text(spans[3])["buildkite.requests"] == "3")
        #expect(spans.dropLast().allSatisfy { $0.parentSpanID == spans[3].spanID })
    }

    @Test("a call that failed has its error's code, and records the error without the server's body")
    func recordsErrors() async throws {
        let (client, _) = try bed.client([
            TracedBed.answer(.notFound, #"{"message":"no such job \#(TracedBed.token)","more":"payload"}"#)
        ])
        await #expect(throws: StacksAPIError.self) { try await client.job(job, stack: "k") }
        let call = try bed.spans(2)[1]
        #expect(TracedBed.text(call)["error.type"] == "notFound")
        #expect(TracedBed.text(call)["buildkite.outcome"] == "failure")
        #expect(call.status?.code == .error)
        #expect(call.status?.message == "job notFound")
        let error = try #require(call.errors.first?.error as? StacksAPIError)
        #expect(error.code == .notFound)
        #expect(error.body.isEmpty)
        #expect(error.description.contains("no such job [redacted]"))
    }

    @Test("an answer that cannot be read fails the call and not the request")
    func recordsDecoding() async throws {
        let (client, _) = try bed.client([TracedBed.answer(.ok, "<html>")])
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity() }
        let spans = try bed.spans(2)
        #expect(spans[0].status == nil)
        #expect(TracedBed.text(spans[1])["error.type"] == "decoding")
    }

    @Test("a cancelled call ends its spans, and is no error")
    func endsCancelledSpans() async throws {
        let (client, transport) = try bed.client([.hang])
        let task = Task { try await client.tokenIdentity() }
        while transport.requests.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let spans = try bed.spans(2)
        #expect(TracedBed.text(spans[0])["error.type"] == "cancelled")
        #expect(TracedBed.text(spans[1])["buildkite.outcome"] == "cancelled")
        #expect(spans.allSatisfy { $0.status == nil && $0.errors.isEmpty })
    }

    @Test("what is refused before it is sent is no call; a deadline that has passed is one")
    func tellsCalls() async throws {
        let (client, _) = try bed.client([])
        let refused = CallOptions(headerFields: [.authorization: "x"])
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity(options: refused) }
        _ = try bed.spans(0)
        let late = CallOptions(timeout: .zero)
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity(options: late) }
        #expect(TracedBed.text(try bed.spans(1)[0])["error.type"] == "deadlineExceeded")
    }

    @Test("a finish in doubt is one call, with its question among its requests")
    func tracesFinishes() async throws {
        let states = #"{"states":{"\#(job)":"finished"}}"#
        let (client, _) = try bed.client([TracedBed.lostAnswer, TracedBed.answer(.ok, states)])
        _ = try await client.finishJob(job, stack: "k", exitStatus: 1, detail: "d")
        let spans = try bed.spans(3)
        #expect(
            spans.map(\.operationName) == [
                "POST /v3/stacks/{stack_key}/jobs/{job_uuid}/finish",
                "POST /v3/stacks/{stack_key}/jobs/get-states", "finishJob",
            ])
        #expect(spans.dropLast().allSatisfy { $0.parentSpanID == spans[2].spanID })
        #expect(TracedBed.text(spans[2])["buildkite.confirmed_by_state"] == "true")
        #expect(TracedBed.text(spans[2])["buildkite.requests"] == "2")
    }

    @Test("a long list is one call, and says how many of its parts failed")
    func tracesBatches() async throws {
        let jobs = (0..<2500).map { JobID("\($0)") }
        let (client, _) = try bed.client([
            TracedBed.answer(.ok, #"{"states":{}}"#), TracedBed.answer(.badRequest), TracedBed.answer(.badRequest),
        ])
        _ = try await client.jobStates(jobs, stack: "k")
        let spans = try bed.spans(4)
        #expect(spans[3].operationName == "jobStates")
        #expect(spans.dropLast().allSatisfy { $0.parentSpanID == spans[3].spanID })
        #expect(TracedBed.text(spans[3])["buildkite.failed_batches"] == "2")
    }

    @Test("the wait for a token is part of the call, and its failure is the call's")
    func tracesTokens() async throws {
        struct Sealed: Error {}
        var configuration = StacksClient.Configuration()
        configuration.tracer = bed.tracer
        let client = try StacksClient(
            tokenProvider: TokenProvider { throw Sealed() }, transport: InMemoryTransport(script: []),
            configuration: configuration)
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity() }
        #expect(TracedBed.text(try bed.spans(1)[0])["error.type"] == "unauthorized")
    }

    @Test("without a tracer nothing is recorded and nothing is added to a request")
    func costsNothingUnused() async throws {
        let (client, transport) = try bed.client([TracedBed.answer()]) { $0.tracer = nil }
        _ = try await client.tokenIdentity()
        #expect(transport.requests[0].headerFields.count == 3)
        _ = try bed.spans(0)
    }
}
