import HTTPTypes
import InMemoryTracing
import Logging
import MetricsTestKit
import StacksAPI
import StacksTesting
import StacksTransport
import Synchronization
import Testing
import Tracing

/// A call ends once: its metrics, its log and its span say the same of it.
@Suite(.timeLimit(.minutes(5))) struct CallOutcomeTests {
    private let bed = TracedBed()
    private let metrics = TestMetrics()
    private let log = KeptLog()

    /// What a call that has ended left behind.
    private struct Trail: Equatable {
        /// `outcome` of each value of `stacks_api_call_duration`.
        var durations: [String] = []
        /// `code` of each error that was counted, and of each retry.
        var errors: [String] = []
        var retries: [String] = []
        /// The messages of its lines, without those of retries.
        var lines: [String] = []
        /// The outcome of its span, with the code of its error.
        var spans: [String] = []
    }

    private func client(
        _ steps: [InMemoryTransport.Step], change: (inout StacksClient.Configuration) -> Void = { _ in }
    ) throws -> (StacksClient, InMemoryTransport) {
        try bed.client(steps, logger: log.logger) {
            $0.metricsFactory = metrics
            change(&$0)
        }
    }

    private func trail() -> Trail {
        func codes(_ label: String) -> [String] {
            metrics.counters.filter { $0.label == label }.flatMap { counter in
                let code = counter.dimensions.first { $0.0 == "code" }?.1 ?? "none"
                return Array(repeating: code, count: Int(counter.totalValue))
            }
        }
        let durations = metrics.timers.filter { $0.label == "stacks_api_call_duration" }.flatMap { timer in
            timer.values.map { _ in timer.dimensions.first { $0.0 == "outcome" }?.1 ?? "none" }
        }
        #expect(bed.tracer.activeSpans.isEmpty)
        let calls = bed.tracer.finishedSpans.map { TracedBed.text($0) }.filter { $0["buildkite.operation"] != nil }
        return Trail(
            durations: durations, errors: codes("stacks_api_call_errors"), retries: codes("stacks_api_retries"),
            lines: log.messages.filter { $0 != "Stacks API request failed, retrying" },
            spans: calls.map { [$0["buildkite.outcome"], $0["error.type"]].compactMap { $0 }.joined(separator: " ") })
    }

    private static let success = Trail(
        durations: ["success"], lines: ["Stacks API call succeeded"], spans: ["success"])
    private static let cancellation = Trail(
        durations: ["cancelled"], lines: ["Stacks API call cancelled"], spans: ["cancelled"])

    private static func failure(_ code: String) -> Trail {
        Trail(
            durations: ["failure"], errors: [code], lines: ["Stacks API call failed"], spans: ["failure \(code)"])
    }

    @Test("a success counts as success, with and without a value")
    func succeeds() async throws {
        let (client, _) = try client([TracedBed.response(), TracedBed.response(.noContent, "")])
        _ = try await client.tokenIdentity()
        #expect(trail() == Self.success)
        try await client.deregisterStack(key: "k")
        #expect(trail().durations == ["success", "success"])
        #expect(trail().spans == ["success", "success"])
    }

    @Test("a response that cannot be decoded is a failure in metrics, log and span")
    func failsToDecode() async throws {
        let (client, _) = try client([TracedBed.response(.ok, "<html>")])
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity() }
        #expect(trail() == Self.failure("decoding"))
    }

    @Test("a response that cannot be decoded adds nothing to the retry budget")
    func creditsNothing() async throws {
        let spent = TracedBed.response(.badGateway)
        let (client, _) = try client([spent, TracedBed.response(.ok, "<html>"), spent, TracedBed.response()]) {
            $0.retryBudget = RetryBudget(capacity: 1, perSuccess: 1, perSecond: 0)
        }
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity() }
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity() }
        #expect(trail().errors.sorted() == ["decoding", "serverError"])
        let spendings = metrics.counters.filter { $0.label == "stacks_api_retry_budget_spent" }.map(\.totalValue)
        #expect(spendings.reduce(0, +) == 1)
    }

    @Test("a refusal of the server is a failure", arguments: [(404, "notFound"), (500, "serverError")])
    func isRefused(_ status: Int, _ code: String) async throws {
        let (client, _) = try client([TracedBed.response(.init(code: status))]) { $0.retryPolicy = .never }
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity() }
        #expect(trail() == Self.failure(code))
    }

    @Test("a request without a response is a failure")
    func getsNoResponse() async throws {
        let (client, _) = try client([TracedBed.lostResponse]) { $0.retryPolicy = .never }
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity() }
        #expect(trail() == Self.failure("transport"))
    }

    @Test("a success after retries is one success, with its retries")
    func succeedsLater() async throws {
        let (client, _) = try client([TracedBed.response(.badGateway), TracedBed.lostResponse, TracedBed.response()])
        _ = try await client.tokenIdentity()
        var expected = Self.success
        expected.retries = ["serverError", "transport"]
        var seen = trail()
        seen.retries.sort()
        #expect(seen == expected)
        #expect(log.messages.count == 3)
    }

    @Test("a failure after retries is one failure")
    func failsLater() async throws {
        let (client, _) = try client(Array(repeating: TracedBed.response(.badGateway), count: 5))
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity() }
        var expected = Self.failure("serverError")
        expected.retries = Array(repeating: "serverError", count: 4)
        #expect(trail() == expected)
    }

    @Test("a cancellation counts as cancelled, while a request is under way and before a retry")
    func isCancelled() async throws {
        let (client, transport) = try client([.hang])
        let call = Task { try await client.tokenIdentity() }
        while transport.requests.isEmpty { await Task.yield() }
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        #expect(trail() == Self.cancellation)
        #expect(log.attempts == ["1"])
    }

    @Test("a cancellation between two requests counts as cancelled")
    func isCancelledBetweenRequests() async throws {
        let clock = ManualClock()
        let (client, _) = try client([TracedBed.response(.badGateway)]) {
            $0.clock = clock
            $0.retryPolicy.jitter = .seconds(1) ... .seconds(1)
        }
        let call = Task { try await client.tokenIdentity() }
        await clock.waitForSleepers()
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        var expected = Self.cancellation
        expected.retries = ["serverError"]
        #expect(trail() == expected)
        // Of the line about the retry, and that of the cancellation.
        #expect(log.attempts == ["1", "1"])
    }

    @Test("a cancellation while a call waits for the rate limit counts as cancelled")
    func isCancelledInTheQueue() async throws {
        let clock = ManualClock()
        let limited = TransportResponse(
            status: .ok, headerFields: ResponseHeaderFields([HTTPField.Name("RateLimit-Limit")!: "1"]),
            body: Array(#"{"jobs":[]}"#.utf8))
        let (client, _) = try client([.respond(limited)]) { $0.clock = clock }
        _ = try await client.scheduledJobs(stack: "k", queue: "q")
        let call = Task { try await client.scheduledJobs(stack: "k", queue: "q") }
        await clock.waitForSleepers()
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        #expect(trail().durations.sorted() == ["cancelled", "success"])
        #expect(trail().lines == ["Stacks API call succeeded", "Stacks API call cancelled"])
        #expect(trail().spans == ["success", "cancelled"])
        #expect(log.attempts == ["1", "0"])
    }

    @Test("a deadline that passed before anything was sent is a failure")
    func isLate() async throws {
        let (client, _) = try client([])
        await #expect(throws: StacksAPIError.self) {
            try await client.tokenIdentity(options: CallOptions(timeout: .zero))
        }
        #expect(trail() == Self.failure("deadlineExceeded"))
    }

    @Test("a token provider that fails is a failure of the call")
    func getsNoToken() async throws {
        struct Sealed: Error {}
        let (client, _) = try bed.client(
            [], logger: log.logger, tokenProvider: TokenProvider { throw Sealed() }
        ) { $0.metricsFactory = metrics }
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity() }
        #expect(trail() == Self.failure("unauthorized"))
    }

    @Test("a call whose token was replaced is one success with one retry")
    func replacesTokens() async throws {
        let count = Mutex(0)
        let provider = TokenProvider {
            let number = count.withLock { count in
                count += 1
                return count
            }
            return Secret("token-\(number)")
        }
        let (client, _) = try bed.client(
            [TracedBed.response(.unauthorized), TracedBed.response()], logger: log.logger, tokenProvider: provider
        ) { $0.metricsFactory = metrics }
        _ = try await client.tokenIdentity()
        var expected = Self.success
        expected.retries = ["unauthorized"]
        #expect(trail() == expected)
    }

    @Test("a call with an invalid argument is neither counted nor logged nor traced")
    func isRejected() async throws {
        let (client, transport) = try client([])
        let options = CallOptions(headerFields: [.authorization: "x"])
        await #expect(throws: StacksAPIError.self) { try await client.tokenIdentity(options: options) }
        await #expect(throws: StacksAPIError.self) { try await client.jobStates([], stack: "k") }
        #expect(trail() == Trail())
        #expect(transport.requests.isEmpty)
    }
}

/// Keeps what is logged.
private final class KeptLog: Sendable {
    private let lines = Mutex<[(message: String, attempts: String?)]>([])

    var messages: [String] { lines.withLock { $0.map(\.message) } }
    /// How many requests the lines say that were sent.
    var attempts: [String] { lines.withLock { $0.compactMap(\.attempts) } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(log: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let log: KeptLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.lines.withLock {
                $0.append(("\(event.message)", event.metadata?["attempt"].map { "\($0)" }))
            }
        }
    }
}
