import CoreMetrics
import HTTPTypes
import MetricsTestKit
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

@Suite(.timeLimit(.minutes(5))) struct MetricsTests {
    private let metrics = TestMetrics()

    private func bed(
        _ steps: [InMemoryTransport.Step], clock: any Clock<Duration> = LeapingClock(),
        configure: (inout StacksClient.Configuration) -> Void = { _ in }
    ) throws -> Testbed {
        try Testbed(
            steps, clock: clock,
            configure: { configuration in
                configuration.metricsFactory = metrics
                configure(&configuration)
            })
    }

    private func calls(_ operation: String, _ outcome: String) throws -> [Int64] {
        try metrics.expectTimer("stacks_api_call_duration", [("operation", operation), ("outcome", outcome)]).values
    }

    private func count(_ label: String, _ dimensions: (String, String)...) -> Int64 {
        metrics.counterTotal(label: label, dimensions: dimensions)
    }

    @Test("the duration of a call includes its waits, by operation and outcome")
    func timesCalls() async throws {
        let bed = try bed([.response(.serviceUnavailable), .response(), .response(.notFound)])
        _ = try await bed.client.tokenIdentity()
        _ = try await failure { _ = try await bed.client.tokenIdentity() }
        #expect(try calls("tokenIdentity", "success") == [1_500_000_000])
        #expect(try calls("tokenIdentity", "failure").count == 1)
        #expect(try calls("tokenIdentity", "cancelled").isEmpty)
        #expect(try calls("finishJob", "success").isEmpty)
        #expect(count("stacks_api_retries", ("operation", "tokenIdentity"), ("code", "unavailable")) == 1)
        #expect(count("stacks_api_call_errors", ("operation", "tokenIdentity"), ("code", "notFound")) == 1)
    }

    @Test("a cancelled call counts as cancelled")
    func countsCancellations() async throws {
        let clock = ManualClock()
        let bed = try bed([.response(.serviceUnavailable)], clock: clock)
        let task = Task { try await bed.client.tokenIdentity() }
        await clock.waitForSleepers()
        task.cancel()
        _ = await task.result
        #expect(try calls("tokenIdentity", "cancelled").count == 1)
        #expect(count("stacks_api_call_errors") == 0)
    }

    @Test("a response that cannot be decoded is a failure, and no log line says that the call succeeded")
    func countsDecoding() async throws {
        let bed = try bed([.response(.ok, "<html>")])
        _ = try await failure { _ = try await bed.client.tokenIdentity() }
        #expect(try calls("tokenIdentity", "failure").count == 1)
        #expect(try calls("tokenIdentity", "success").isEmpty)
        #expect(bed.log.lines.map(\.message) == ["Stacks API call failed"])
        #expect(count("stacks_api_call_errors", ("operation", "tokenIdentity"), ("code", "decoding")) == 1)
    }

    @Test("waits for the rate limit are measured")
    func timesWaits() async throws {
        let responses = Array(
            repeating: InMemoryTransport.Step.response(
                .ok, #"{"jobs":[]}"#,
                [
                    HTTPField.Name("RateLimit-Limit")!: "1", HTTPField.Name("RateLimit-Remaining")!: "0",
                ]), count: 2)
        let bed = try bed(responses)
        for _ in 0..<2 { _ = try await bed.client.scheduledJobs(stack: "k", queue: "q") }
        let waits = try metrics.expectTimer("stacks_api_rate_limit_wait", [("operation", "scheduledJobs")]).values
        #expect(waits == [1_002_000_000])
    }

    @Test("the wait of a call that is cancelled while it waits for the rate limit is measured", .timeLimit(.minutes(5)))
    func timesCancelledWaits() async throws {
        let clock = ManualClock()
        let limit: HTTPFields = [
            HTTPField.Name("RateLimit-Limit")!: "1", HTTPField.Name("RateLimit-Remaining")!: "0",
        ]
        let bed = try Testbed([.response(.ok, #"{"jobs":[]}"#, limit)], clock: clock) {
            $0.metricsFactory = metrics
        }
        _ = try await bed.client.scheduledJobs(stack: "k", queue: "q")
        let call = Task { try await bed.client.scheduledJobs(stack: "k", queue: "q") }
        await clock.waitForSleepers()
        clock.advance(by: .milliseconds(500))
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        let waits = try metrics.expectTimer("stacks_api_rate_limit_wait", [("operation", "scheduledJobs")]).values
        #expect(waits == [500_000_000])
    }

    @Test("finishes confirmed by the state and calls without a retry left are counted")
    func countsTheRest() async throws {
        let done = #"{"states":{"\#(JobID.sample)":"finished"}}"#
        let bed = try bed([.lostResponse, .response(.ok, done), .refused]) {
            $0.retryBudget = RetryBudget(capacity: 1, perSuccess: 0, perSecond: 0)
        }
        try await bed.client.finishJob(.sample, stack: "k", exitStatus: 1, detail: "d")
        #expect(count("stacks_api_finish_confirmations") == 1)
        _ = try await failure { _ = try await bed.client.tokenIdentity() }
        #expect(count("stacks_api_retry_budget_spent", ("operation", "tokenIdentity")) == 1)
    }

    @Test("the transport's timings are recorded, those of connecting only for a new connection")
    func timesTransports() async throws {
        func response(reused: Bool) -> InMemoryTransport.Step {
            .respond(
                TransportResponse(
                    status: .ok, body: Array("{}".utf8),
                    metrics: TransportMetrics(
                        connect: .milliseconds(1), tlsHandshake: .milliseconds(3), firstByte: .milliseconds(4),
                        total: .milliseconds(5), reusedConnection: reused)))
        }
        let bed = try bed([response(reused: false), response(reused: true)])
        for _ in 0..<2 { _ = try await bed.client.tokenIdentity() }
        #expect(count("stacks_transport_requests", ("reused", "false")) == 1)
        #expect(count("stacks_transport_requests", ("reused", "true")) == 1)
        #expect(try metrics.expectTimer("stacks_transport_connect").values == [3_000_000])
        #expect(try metrics.expectTimer("stacks_transport_first_byte").values == [4_000_000, 4_000_000])
        #expect(try metrics.expectTimer("stacks_transport_total").values == [5_000_000, 5_000_000])
    }

    @Test("labels have few values, without stacks and jobs")
    func boundsLabels() async throws {
        let bed = try bed([]) { $0.retryPolicy = .never }
        for number in 0..<50 {
            _ = try await failure { _ = try await bed.client.job(.numbered(number), stack: "stack-\(number)") }
        }
        let dimensions = metrics.counters.flatMap(\.dimensions) + metrics.timers.flatMap(\.dimensions)
        #expect(Set(dimensions.map(\.0)) == ["operation", "outcome", "code", "reused"])
        #expect(!dimensions.contains { $0.1.contains("stack-") })
        #expect(metrics.counters.count + metrics.timers.count < 100)
    }

    @Test("without a metrics backend no metric is created")
    func costsNothingUnused() {
        #expect(ClientMetrics(NOOPMetricsHandler.instance) == nil)
    }

    @Test("a short description has no dynamic values")
    func shortens() async throws {
        let bed = try bed([.refused, .response(.notFound, #"{"message":"no 4711"}"#)]) { $0.retryPolicy = .never }
        let refused = try await failure { _ = try await bed.client.job(.sample, stack: "k") }
        #expect(refused.shortDescription == "job transport connect")
        let missing = try await failure { _ = try await bed.client.job(.sample, stack: "k") }
        #expect(missing.shortDescription == "job notFound")
        #expect(missing.advice.contains("Register the stack"))
    }
}
