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

    @Test("a call has a span with the operation's name, and a child span for its request, named by method and path")
    func namesSpans() async throws {
        let (client, _) = try bed.client([
            TracedBed.response(.ok, #"{"states":{}}"#, metrics: TransportMetrics(httpVersion: .http2))
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

    @Test("a call's span is a child of the calling task's span, with the tracer at the time of the call")
    func findsParents() async throws {
        let (client, _) = try bed.client([TracedBed.response()]) { $0.tracer = nil }
        try await withTracer(bed.tracer) {
            try await InstrumentationSystem.tracer.withSpan("poll") { _ in _ = try await client.tokenIdentity() }
        }
        let spans = try bed.spans(3)
        #expect(spans.map(\.operationName) == ["GET /v3/token", "tokenIdentity", "poll"])
        #expect(spans[1].parentSpanID == spans[2].spanID)
        #expect(Set(spans.map(\.traceID)).count == 1)
    }

    @Test("each request has the context of its own span, and no reserved field")
    func injectsContext() async throws {
        let (client, transport) = try bed.client([TracedBed.response(.serviceUnavailable), TracedBed.response()])
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

    @Test("an instrument can neither replace the token nor add an invalid header field")
    func refusesFields() async throws {
        let (client, transport) = try bed.client([TracedBed.response()]) { $0.tracer = Greedy() }
        _ = try await client.tokenIdentity()
        let fields = transport.requests[0].headerFields
        #expect(fields[.authorization] == "Token \(TracedBed.token)")
        #expect(fields[HTTPField.Name("traceparent")!] == "00-1-2-01")
        #expect(fields.count == 4, "\(fields.map(\.name))")
    }

    @Test("a retry has its own span with its number; the span of the failed request has the error")
    func tellsRetries() async throws {
        let (client, _) = try bed.client([
            TracedBed.response(.badGateway), TracedBed.lostResponse, TracedBed.response(),
        ])
        _ = try await client.tokenIdentity()
        let spans = try bed.spans(4)
        #expect(spans.map { TracedBed.text($0)["error.type"] } == ["502", "connectionClosed", nil, nil])
        #expect(spans.map { TracedBed.text($0)["http.request.resend_count"] } == [nil, "1", "2", nil])
        #expect(spans.map { $0.status?.code } == [.error, .error, nil, nil])
        #expect(TracedBed.text(spans[3])["buildkite.requests"] == "3")
        #expect(spans.dropLast().allSatisfy { $0.parentSpanID == spans[3].spanID })
    }

    @Test("the span of a failed call has the error's code and records the error without the body")
    func recordsErrors() async throws {
        let (client, _) = try bed.client([
            TracedBed.response(.notFound, #"{"message":"no such job \#(TracedBed.token)","more":"payload"}"#)
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

    @Test("a response that cannot be decoded fails the call and not the request")
    func recordsDecoding() async throws {
        let (client, _) = try bed.client([TracedBed.response(.ok, "<html>")])
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity() }
        let spans = try bed.spans(2)
        #expect(spans[0].status == nil)
        #expect(TracedBed.text(spans[1])["error.type"] == "decoding")
    }

    @Test("a cancelled call ends its spans, without an error")
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

    @Test("an invalid argument is not a call; a passed deadline is one")
    func tellsCalls() async throws {
        let (client, _) = try bed.client([])
        let refused = CallOptions(headerFields: [.authorization: "x"])
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity(options: refused) }
        _ = try bed.spans(0)
        let late = CallOptions(timeout: .zero)
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity(options: late) }
        #expect(TracedBed.text(try bed.spans(1)[0])["error.type"] == "deadlineExceeded")
    }

    @Test("a doubtful finish is one call, with the request for the state among its requests")
    func tracesFinishes() async throws {
        let states = #"{"states":{"\#(job)":"finished"}}"#
        let (client, _) = try bed.client([TracedBed.lostResponse, TracedBed.response(.ok, states)])
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

    @Test("a long list is one call, whose span has the number of failed parts")
    func tracesBatches() async throws {
        let jobs = (0..<2500).map { JobID("\($0)") }
        let (client, _) = try bed.client([
            TracedBed.response(.ok, #"{"states":{}}"#), TracedBed.response(.badRequest),
            TracedBed.response(.badRequest),
        ])
        _ = try await client.jobStates(jobs, stack: "k")
        let spans = try bed.spans(4)
        #expect(spans[3].operationName == "jobStates")
        #expect(spans.dropLast().allSatisfy { $0.parentSpanID == spans[3].spanID })
        #expect(TracedBed.text(spans[3])["buildkite.failed_batches"] == "2")
    }

    @Test("the wait for a token is part of the call, and its failure fails the call")
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
        let (client, transport) = try bed.client([TracedBed.response()]) { $0.tracer = nil }
        _ = try await client.tokenIdentity()
        #expect(transport.requests[0].headerFields.count == 3)
        _ = try bed.spans(0)
    }
}
