import HTTPTypes
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksAPI

/// What a long list had achieved when its task was cancelled.
@Suite(.timeLimit(.minutes(5))) struct CancelledBatchTests {
    private let jobs = (0..<4500).map { JobID.numbered($0) }

    /// A server that responds to the list's first part, and nothing more.
    private func world(concurrent: Int) throws -> (StacksClient, InMemoryTransport) {
        let first = JobID.numbered(0).description
        let transport = InMemoryTransport { request in
            guard request.bodyText?.contains(first) == true else {
                while true { try await Task.sleep(for: .seconds(3600)) }
            }
            let body =
                switch request.path.split(separator: "/").last {
                case "notifications": #"{"errors":[{"error":"no","indexes":[7]}]}"#
                case "job-acquisition-tokens":
                    #"{"job_acquisition_tokens":[{"job_uuid":"\#(first)","job_acquisition_token":"t"}]}"#
                case "get-states": #"{"states":{"\#(first)":"running"}}"#
                default: #"{"reserved":["\#(first)"],"not_reserved":[]}"#
                }
            return TransportResponse(status: .ok, body: Array(body.utf8))
        }
        var configuration = StacksClient.Configuration()
        configuration.maximumConcurrentBatches = concurrent
        configuration.pacesRequests = false
        return (try StacksClient(token: "t", transport: transport, configuration: configuration), transport)
    }

    /// Cancels the call when as many requests were sent as will be before it is.
    private func cancelled<Value: Sendable>(
        after requests: Int, _ transport: InMemoryTransport,
        _ call: @escaping @Sendable () async throws -> StacksResponse<Value>
    ) async throws -> StacksResponse<Value> {
        let task = Task { try await call() }
        try await wait { transport.requests.count >= requests }
        task.cancel()
        return try await task.value
    }

    @Test(
        "a cancelled reserve returns the reserved jobs, and says for each other part whether it may have taken effect")
    func keepsReservations() async throws {
        let (client, transport) = try world(concurrent: 2)
        // The first part and the second, and the third in the place of the first.
        let response = try await cancelled(after: 3, transport) { [jobs] in
            try await client.reserveJobs(jobs, stack: "s")
        }
        #expect(response.reserved == [jobs[0]])
        #expect(response.failedBatches.map(\.range) == [1000..<2000, 2000..<3000, 3000..<4000, 4000..<4500])
        #expect(response.failedBatches.allSatisfy { $0.error.code == .cancelled && $0.error.operation == .reserveJobs })
        #expect(response.failedBatches.map(\.error.mayHaveTakenEffect) == [true, true, false, false])
        #expect(response.failedBatches.map(\.error.attempts) == [1, 1, 0, 0])
        #expect(response.attempts == 3)
        #expect(response.error(forItemAt: 0) == nil)
        #expect(response.error(forItemAt: 4499)?.isRetryable == false)
        #expect(transport.requests.count == 3)
    }

    @Test("cancelled calls for tokens and states return their results too")
    func keepsTheOthers() async throws {
        let (client, transport) = try world(concurrent: 2)
        // A third request goes out when the first is answered, so that much is surely there.
        let tokens = try await cancelled(after: 3, transport) { [jobs] in
            try await client.issueJobAcquisitionTokens(for: jobs, stack: "s")
        }
        #expect(tokens.issued.map(\.job) == [jobs[0]])
        #expect(tokens.failedBatches.map(\.error.mayHaveTakenEffect) == [true, true, false, false])
        let states = try await cancelled(after: 6, transport) { [jobs] in
            try await client.jobStates(jobs, stack: "s")
        }
        #expect(states.value[jobs[0]] == .running)
        #expect(states.failedBatches.count == 4)
    }

    @Test("a cancelled notify says which parts succeeded and which were not sent")
    func keepsNotifications() async throws {
        let (client, transport) = try world(concurrent: 1)
        let response = try await cancelled(after: 2, transport) { [jobs] in
            try await client.notify(jobs.map { JobNotification(job: $0, detail: "d") }, stack: "s")
        }
        #expect(response.failures == [NotificationFailure(error: "no", indexes: [7])])
        #expect(response.failedBatches.map(\.error.code) == Array(repeating: .cancelled, count: 4))
        #expect(response.failedBatches.map(\.error.mayHaveTakenEffect) == [true, false, false, false])
        #expect(response.failedBatches.map(\.error.attempts) == [1, 0, 0, 0])
        #expect(transport.requests.count == 2)
    }

    @Test("a part that was cancelled while it waited for the rate limit was not sent")
    func countsNothingBeforeSending() async throws {
        let clock = ManualClock()
        let transport = InMemoryTransport { _ in
            TransportResponse(
                status: .ok, headerFields: [HTTPField.Name("RateLimit-Limit")!: "20"],
                body: Array(#"{"states":{}}"#.utf8))
        }
        var configuration = StacksClient.Configuration()
        configuration.clock = clock
        configuration.maximumConcurrentBatches = 1
        let client = try StacksClient(
            token: "t", transport: Timeless(inner: transport), configuration: configuration)
        // The documented limit is 20 requests per second, so the last five of these wait.
        let many = (0..<25_000).map { JobID.numbered($0) }
        let task = Task { try await client.jobStates(many, stack: "s") }
        await clock.waitForSleepers()
        task.cancel()
        let response = try await task.value
        #expect(response.failedBatches.map(\.error.attempts) == Array(repeating: 0, count: 5))
        #expect(response.failedBatches.allSatisfy { !$0.error.mayHaveTakenEffect })
        #expect(transport.requests.count == 20)
    }

    @Test("pages read before a cancellation remain valid")
    func keepsPages() async throws {
        let page = #"{"jobs":[],"page_info":{"has_next_page":true,"end_cursor":"c1"}}"#
        let bed = try Testbed([.response(.ok, page), .hang])
        let cursors = Mutex<[String?]>([])
        let reading = Task {
            for try await page in bed.client.allScheduledJobs(stack: "s", queue: "q") {
                cursors.withLock { $0.append(page.pageInfo.endCursor) }
            }
        }
        try await wait { bed.transport.requests.count == 2 }
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        #expect(cursors.withLock { $0 } == ["c1"])
    }
}
