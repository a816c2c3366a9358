import HTTPTypes
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksAPI

/// Many tasks against the limits of a simulator, on a clock that the test moves.
@Suite(.timeLimit(.minutes(5))) struct RateGovernorTests {
    struct Load: Sendable, CustomTestStringConvertible {
        let operation: SimulatedOperation
        let limit: Int
        var latency = Duration.zero
        let call: @Sendable (StacksClient, JobID) async throws -> Void

        var testDescription: String { "\(operation.rawValue), \(latency) away" }
    }

    static let loads = [
        Load(operation: .deregisterStack, limit: 10) { client, _ in try await client.deregisterStack(key: "k") },
        Load(operation: .listScheduledJobs, limit: 10) { client, _ in
            _ = try await client.scheduledJobs(stack: "k", queue: "default", limit: 1)
        },
        Load(operation: .listScheduledJobs, limit: 10, latency: .milliseconds(20)) { client, _ in
            _ = try await client.scheduledJobs(stack: "k", queue: "default", limit: 1)
        },
        Load(operation: .reserveJobs, limit: 10) { client, job in _ = try await client.reserveJobs([job], stack: "k") },
        Load(operation: .getJob, limit: 1000) { client, job in _ = try await client.job(job, stack: "k") },
        Load(operation: .getJobStates, limit: 20) { client, job in _ = try await client.jobStates([job], stack: "k") },
        Load(operation: .getJobStates, limit: 20, latency: .milliseconds(20)) { client, job in
            _ = try await client.jobStates([job], stack: "k")
        },
        Load(operation: .issueJobAcquisitionTokens, limit: 20) { client, job in
            _ = try await client.issueJobAcquisitionTokens(for: [job], stack: "k")
        },
        Load(operation: .finishJob, limit: 100) { client, job in
            // All but the first are refused, and count all the same.
            do {
                try await client.finishJob(job, stack: "k", exitStatus: 1, detail: "d")
            } catch let error as StacksAPIError where error.code == .unprocessable {}
        },
        Load(operation: .createNotifications, limit: 200) { client, job in
            try await client.notify(job, detail: "d", stack: "k")
        },
    ]

    /// A simulator that is some way off.
    private struct Distant: HTTPTransport {
        let inner: Timeless
        let clock: ManualClock
        let latency: Duration

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            if latency > .zero { try await clock.sleep(for: latency / 2) }
            let response = try await inner.send(request)
            if latency > .zero { try await clock.sleep(for: latency / 2) }
            return response
        }
    }

    private let clock = ManualClock()

    private func world(
        latency: Duration = .zero, clients count: Int = 1
    ) async throws -> (StacksSimulator, [StacksClient]) {
        let simulator = StacksSimulator(clock: clock)
        var configuration = StacksClient.Configuration()
        configuration.clock = clock
        let setup = try StacksClient(token: simulator.token, transport: simulator.timelessTransport())
        try await setup.registerStack(key: "k", queue: "default")
        let clients = try (0..<count).map { _ in
            let transport = Distant(inner: simulator.timelessTransport(), clock: clock, latency: latency)
            return try StacksClient(token: simulator.token, transport: transport, configuration: configuration)
        }
        return (simulator, clients)
    }

    private func world() async throws -> (StacksSimulator, StacksClient) {
        let (simulator, clients) = try await world(clients: 1)
        return (simulator, clients[0])
    }

    /// Lets 32 tasks, each with one of the clients, call for 10 seconds.
    private func hammer(
        _ clients: [StacksClient], _ call: @escaping @Sendable (StacksClient) async throws -> Void
    ) async throws {
        let clock = clock
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<32 {
                let client = clients[number % clients.count]
                group.addTask { while !Task.isCancelled { try await call(client) } }
            }
            for _ in 0..<(10_000 / 4) {
                await clock.waitForSleepers(32)
                clock.advance(by: .milliseconds(4))
            }
            await clock.waitForSleepers(32)
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    @Test("32 tasks reach 95 % of an endpoint's limit over 10 seconds, without a 429", arguments: loads)
    func usesTheLimit(_ load: Load) async throws {
        let (simulator, clients) = try await world(latency: load.latency, clients: 1)
        let job = JobID(simulator.addJobs(1, queue: "default")[0])
        try await hammer(clients) { try await load.call($0, job) }
        let report = simulator.report
        #expect(report.rateLimited.isEmpty, "\(report.rateLimited)")
        let sent = report.requests[load.operation] ?? 0
        #expect(sent >= load.limit * 95 / 10, "\(sent) of \(load.limit * 10)")
    }

    @Test("every endpoint with a limit is tested, and the others are not paced")
    func coversEveryEndpoint() async throws {
        let limited = Set(SimulatedOperation.allCases.filter { !$0.isAgentRequest })
            .subtracting([.registerStack, .tokenIdentity])
        #expect(Set(Self.loads.map(\.operation)) == limited)
        let (_, client) = try await world()
        for _ in 0..<500 {
            #expect(try await client.registerStack(key: "k", queue: "default").rateLimitWait == .zero)
            #expect(try await client.tokenIdentity().rateLimitWait == .zero)
        }
    }

    @Test("two clients with the same key share its limit", arguments: shared)
    func sharesKeys(_ load: Load) async throws {
        let (simulator, clients) = try await world(latency: load.latency, clients: 2)
        let job = JobID(simulator.addJobs(1, queue: "default")[0])
        let refusedForGood = Mutex(0)
        try await hammer(clients) { client in
            do {
                try await load.call(client, job)
            } catch let error as StacksAPIError where error.code == .rateLimited {
                refusedForGood.withLock { $0 += 1 }
            }
        }
        let report = simulator.report
        let sent = report.requests[load.operation] ?? 0
        let refused = report.rateLimited[load.operation] ?? 0
        // Each window, one of the two learns from refusals what the other has used: no more than half are refused.
        #expect(sent - refused >= load.limit * 95 / 10, "\(sent - refused) of \(load.limit * 10)")
        #expect(refused > 0 && refused * 2 <= sent, "\(refused) of \(sent)")
        #expect(refusedForGood.withLock { $0 } * 10 <= sent, "\(refusedForGood.withLock { $0 }) calls failed")
    }

    static let shared = loads.filter { [.listScheduledJobs, .getJobStates, .finishJob].contains($0.operation) }

    @Test("a response says how long the call waited for the rate limit")
    func tellsTheWait() async throws {
        let (_, client) = try await world()
        for _ in 0..<10 {
            let page = try await client.scheduledJobs(stack: "k", queue: "default")
            #expect(page.rateLimitWait == .zero)
        }
        let call = Task { try await client.scheduledJobs(stack: "k", queue: "default") }
        await clock.waitForSleepers()
        clock.advance(by: .milliseconds(1002))
        let page = try await passTime(until: call)
        #expect(page.rateLimitWait >= .milliseconds(1002))
        #expect(page.attempts == 1)
    }

    /// Lets one that waits wake up as often as it needs to, until it is done.
    private func passTime<Value: Sendable>(until call: Task<Value, any Error>) async throws -> Value {
        let result = await withTaskGroup(of: Void.self) { group in
            group.addTask { [clock] in
                while !Task.isCancelled {
                    try? await Task.sleep(for: .microseconds(100))
                    if clock.sleeperCount > 0 { clock.advance(by: .milliseconds(2)) }
                }
            }
            defer { group.cancelAll() }
            return await call.result
        }
        return try result.get()
    }

    @Test("a call fails at once if its turn would be after its deadline")
    func failsAtOnce() async throws {
        let (simulator, client) = try await world()
        for _ in 0..<10 { _ = try await client.scheduledJobs(stack: "k", queue: "default") }
        let error = try await failure {
            _ = try await client.scheduledJobs(
                stack: "k", queue: "default", options: CallOptions(timeout: .milliseconds(900)))
        }
        #expect(error.code == .deadlineExceeded)
        #expect(!error.mayHaveTakenEffect)
        #expect(error.attempts == 0)
        #expect(error.description.contains("The rate limit allows the request in 1.002 seconds"), "\(error)")
        #expect(simulator.report.requests[.listScheduledJobs] == 10)
    }

    @Test("cancelling a call that waits for the rate limit ends it, and the others continue")
    func cancels() async throws {
        let (simulator, client) = try await world()
        for _ in 0..<10 { _ = try await client.scheduledJobs(stack: "k", queue: "default") }
        let first = Task { try await client.scheduledJobs(stack: "k", queue: "default") }
        await clock.waitForSleepers(1)
        let second = Task { try await client.scheduledJobs(stack: "k", queue: "default") }
        await clock.waitForSleepers(2)
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        clock.advance(by: .milliseconds(1004))
        _ = try await passTime(until: second)
        #expect(simulator.report.requests[.listScheduledJobs] == 11)
    }

    @Test("other endpoints and other stacks do not wait for a scope at its limit")
    func separates() async throws {
        let (_, client) = try await world()
        for _ in 0..<10 { _ = try await client.scheduledJobs(stack: "k", queue: "default") }
        try await client.registerStack(key: "other", queue: "default")
        #expect(try await client.scheduledJobs(stack: "other", queue: "default").rateLimitWait == .zero)
        #expect(try await client.jobStates([.sample], stack: "k").rateLimitWait == .zero)
    }

    @Test("a 429 pauses other calls too, for as long as its body says")
    func pausesEverybody() async throws {
        let refusal = #"{"message":"slow down","scope":"show-job","limit":7,"current":8,"reset":3}"#
        let bed = try Testbed(
            [.response(.tooManyRequests, refusal), .response(.ok, #"{"id":"x"}"#)], clock: clock)
        let error = try await failure {
            _ = try await bed.client.job(.sample, stack: "k", options: CallOptions(retryPolicy: .never))
        }
        #expect(error.rateLimit == RateLimit(scope: "show-job", limit: 7, remaining: 0, reset: .seconds(3)))
        let call = Task { try await bed.client.job(.sample, stack: "k").rateLimitWait }
        for _ in 0..<3 {
            await clock.waitForSleepers()
            #expect(bed.transport.requests.count == 1)
            clock.advance(by: .seconds(1))
        }
        #expect(try await passTime(until: call) >= .seconds(3))
    }

    @Test("if the server names one scope for everything, all calls share it, and notifications go last")
    func sharesScopes() async throws {
        let fields: HTTPFields = [
            HTTPField.Name("RateLimit-Scope")!: "everything", HTTPField.Name("RateLimit-Limit")!: "1",
            HTTPField.Name("RateLimit-Remaining")!: "0",
        ]
        let responses = [
            InMemoryTransport.Step.response(.ok, #"{"errors":[]}"#, fields),
            .response(.ok, #"{"states":{}}"#, fields), .response(.ok, #"{"states":{}}"#, fields),
            .response(.ok, #"{"errors":[]}"#, fields),
        ]
        let bed = try Testbed(responses, clock: clock)
        try await bed.client.notify(.sample, detail: "1", stack: "k")
        async let learnt = bed.client.jobStates([.sample], stack: "k").attempts
        _ = try await learnt
        let notification = Task { try await bed.client.notify(.sample, detail: "2", stack: "k") }
        await clock.waitForSleepers(1)
        let states = Task { try await bed.client.jobStates([.sample], stack: "k") }
        await clock.waitForSleepers(2)
        _ = try await passTime(until: states)
        _ = try await passTime(until: notification)
        #expect(
            bed.transport.requests.map { $0.path.split(separator: "/").last ?? "" } == [
                "notifications", "get-states", "get-states", "notifications",
            ])
    }

    @Test("calls of no stack wait if the server sets no limit, until it refuses a request")
    func relearns() async throws {
        let page = InMemoryTransport.Step.response(.ok, #"{"jobs":[]}"#)
        let bed = try Testbed(Array(repeating: page, count: 100), clock: clock) { $0.retryPolicy = .never }
        for number in 0..<100 {
            let response = try await bed.client.scheduledJobs(stack: "k\(number % 5)", queue: "q")
            #expect(response.rateLimitWait == .zero)
        }
        bed.transport.enqueue([.response(.tooManyRequests, "{}", [.retryAfter: "2"]), page])
        let refused = try await failure { _ = try await bed.client.scheduledJobs(stack: "k0", queue: "q") }
        #expect(refused.code == .rateLimited)
        let late = try await failure {
            _ = try await bed.client.scheduledJobs(
                stack: "k0", queue: "q", options: CallOptions(timeout: .milliseconds(1999)))
        }
        #expect(late.code == .deadlineExceeded)
        clock.advance(by: .seconds(2))
        #expect(try await bed.client.scheduledJobs(stack: "k0", queue: "q").rateLimitWait == .zero)
    }

    @Test("pacing can be turned off")
    func canBeOff() async throws {
        let simulator = StacksSimulator(clock: clock)
        var configuration = StacksClient.Configuration()
        configuration.pacesRequests = false
        let client = try StacksClient(
            token: simulator.token, transport: simulator.timelessTransport(), configuration: configuration)
        try await client.registerStack(key: "k")
        let options = CallOptions(retryPolicy: .never)
        for _ in 0..<10 { _ = try await client.scheduledJobs(stack: "k", queue: "default", options: options) }
        let error = try await failure {
            _ = try await client.scheduledJobs(stack: "k", queue: "default", options: options)
        }
        #expect(error.code == .rateLimited)
    }

    @Test("a request ends once: a second end frees no place")
    func endsOnce() throws {
        let governor = RateGovernor()
        let now = Moment.now
        let scope = try #require(StacksOperation.scheduledJobs.definition.rateScope)
        func call() -> PacedCall { PacedCall(.scheduledJobs, scope, stack: "k", governor: governor) }
        var calls = (0..<scope.limit).map { _ in call() }
        for index in calls.indices { #expect(calls[index].turn(now: now) == nil) }
        for _ in 0..<2 { calls[0].failed(mayHaveReachedServer: false, now: now) }
        var (next, last) = (call(), call())
        #expect(next.turn(now: now) == nil)
        #expect(last.turn(now: now) != nil)
    }

    @Test("a 429 for a request whose scope was forgotten and created again pauses its own operation")
    func survivesForgetting() throws {
        let governor = RateGovernor()
        let now = Moment.now
        func call(_ operation: StacksOperation, _ stack: String = "k") throws -> PacedCall {
            let scope = try #require(operation.definition.rateScope)
            return PacedCall(operation, scope, stack: stack, governor: governor)
        }
        func isSent(_ call: inout PacedCall) -> Bool { call.turn(now: now) == nil }
        func response(_ call: inout PacedCall, _ status: HTTPResponse.Status) {
            let response = TransportResponse(status: status, headerFields: [:], body: [])
            call.received(response, longestPause: .seconds(5), now: now)
        }
        // The server sets no limit for "k", and refuses both operations of another stack.
        for operation in [StacksOperation.job, .jobStates] {
            for (stack, status) in [("k", HTTPResponse.Status.ok), ("x", .tooManyRequests)] {
                var first = try call(operation, stack)
                #expect(isSent(&first))
                response(&first, status)
            }
        }
        var underWay = try call(.jobStates)
        #expect(isSent(&underWay))
        for number in 0..<RateGovernor.maximumScopes {
            var other = try call(.job, "other\(number)")
            #expect(isSent(&other))
        }
        var job = try call(.job)
        #expect(isSent(&job))
        response(&underWay, .tooManyRequests)
        var states = try call(.jobStates)
        #expect(!isSent(&states))
        job = try call(.job)
        #expect(isSent(&job))
    }
}
