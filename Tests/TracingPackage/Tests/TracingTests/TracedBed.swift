import HTTPTypes
import InMemoryTracing
import Logging
import StacksAPI
import StacksTesting
import StacksTransport
import Testing
import Tracing

/// Clients whose spans are kept, for a test to read.
struct TracedBed {
    static let token = "bkct_s3cr3tAgentToken"
    static let job = JobID("01890a5d-ac96-774b-bcce-b302099a8057")
    let tracer = InMemoryTracer()

    func client(
        _ steps: [InMemoryTransport.Step], logger: Logger? = nil,
        tokenProvider: TokenProvider? = nil,
        change: (inout StacksClient.Configuration) -> Void = { _ in }
    ) throws -> (StacksClient, InMemoryTransport) {
        let transport = InMemoryTransport(script: steps)
        var configuration = StacksClient.Configuration()
        configuration.tracer = tracer
        configuration.retryPolicy.backoff = Backoff(initial: .zero, multiplier: 1, maximum: .zero)
        configuration.retryPolicy.jitter = .zero ... .zero
        change(&configuration)
        let client =
            if let tokenProvider {
                try StacksClient(
                    tokenProvider: tokenProvider, transport: transport, configuration: configuration, logger: logger)
            } else {
                try StacksClient(
                    token: Self.token, transport: transport, configuration: configuration, logger: logger)
            }
        return (client, transport)
    }

    static func response(
        _ status: HTTPResponse.Status = .ok, _ body: String = "{}", metrics: TransportMetrics? = nil
    ) -> InMemoryTransport.Step {
        .respond(TransportResponse(status: status, body: Array(body.utf8), metrics: metrics))
    }

    static let lostResponse = InMemoryTransport.Step.fail(
        TransportError(code: .connectionClosed, phase: .waiting, message: "closed"))

    /// The spans in the order in which they ended, and none is left open.
    func spans(_ count: Int) throws -> [FinishedInMemorySpan] {
        #expect(tracer.activeSpans.isEmpty)
        try #require(tracer.finishedSpans.count == count)
        return tracer.finishedSpans
    }

    static func text(_ span: FinishedInMemorySpan) -> [String: String] {
        var result: [String: String] = [:]
        span.attributes.forEach { key, value in
            result[key] =
                switch value {
                case .string(let text): text
                case .int64(let number): "\(number)"
                case .int32(let number): "\(number)"
                case .double(let number): "\(number)"
                case .bool(let isTrue): "\(isTrue)"
                default: "\(value)"
                }
        }
        return result
    }
}

/// A tracer that writes whatever it likes into a request.
struct Greedy: Tracer {
    typealias Span = NoOpTracer.Span

    func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> Span { NoOpTracer.Span(context: context()) }

    func forceFlush() {}

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {}

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        injector.inject("00-1-2-01", forKey: "traceparent", into: &carrier)
        injector.inject("Token mine", forKey: "authorization", into: &carrier)
        injector.inject("x", forKey: "no name", into: &carrier)
        injector.inject("a\r\nb: c", forKey: "x-injected", into: &carrier)
    }
}
