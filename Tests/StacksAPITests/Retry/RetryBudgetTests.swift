import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

@Suite struct RetryBudgetTests {
    private let start = Moment.now

    @Test("retries end with the budget; time and successes fill it, up to its capacity")
    func spendsAndFills() {
        var bucket = RetryBucket(RetryBudget(capacity: 2, perSuccess: 0.5, perSecond: 0.1))
        func spend(after seconds: Int = 0) -> Bool { bucket.spend(now: start + .seconds(seconds)) }
        #expect(spend())
        #expect(spend())
        #expect(!spend())
        bucket.succeeded()
        #expect(!spend())
        bucket.succeeded()
        #expect(spend())
        #expect(!spend(after: 9))
        #expect(spend(after: 11))
        for _ in 0..<100 { bucket.succeeded() }
        #expect(bucket.isFull)
        #expect(spend(after: 1000))
        #expect(spend(after: 1000))
        #expect(!spend(after: 1000))
    }

    @Test("an outage gets the budget's retries and no more, and the error says why")
    func boundsOutages() async throws {
        let clock = LeapingClock()
        let simulator = StacksSimulator(clock: clock)
        simulator.addFault(SimulatorFault(.connectionRefused, count: nil))
        let transport = simulator.transport()
        var configuration = StacksClient.Configuration()
        configuration.clock = clock
        configuration.retryBudget = RetryBudget(capacity: 10, perSuccess: 0.1, perSecond: 0)
        let client = try StacksClient(token: simulator.token, transport: transport, configuration: configuration)
        var last: StacksAPIError?
        for _ in 0..<50 { last = try await failure { _ = try await client.tokenIdentity() } }
        #expect(transport.requests.count == 50 + 10)
        #expect(last?.code == .transport)
        #expect(last?.attempts == 1)
        #expect(last?.description.contains("the retry budget is spent") == true, "\(last.map { "\($0)" } ?? "")")

        simulator.removeFaults()
        for _ in 0..<10 { _ = try await client.tokenIdentity() }
        simulator.addFault(SimulatorFault(.connectionRefused))
        #expect(try await client.tokenIdentity().attempts == 2)
    }

    @Test("a finish in doubt takes from the budget for its question")
    func countsQuestions() async throws {
        let bed = try Testbed([.lostAnswer]) { $0.retryBudget = RetryBudget(capacity: 1, perSecond: 0) }
        _ = try await failure { _ = try await bed.client.tokenIdentity(options: CallOptions(retryPolicy: .never)) }
        bed.transport.enqueue([.refused, .lostAnswer])
        let error = try await failure {
            try await bed.client.finishJob(
                .sample, stack: "k", exitStatus: 1, detail: "d", options: RetryTableTests.immediate)
        }
        #expect(error.mayHaveTakenEffect)
        #expect(error.description.contains("the retry budget is spent"), "\(error)")
        #expect(bed.transport.requests.count == 3)
    }

    @Test("it can be left out, and what makes no sense is refused")
    func isChecked() throws {
        _ = try Testbed { $0.retryBudget = nil }
        for budget in [
            RetryBudget(capacity: 0), RetryBudget(capacity: 1, perSuccess: -1),
            RetryBudget(capacity: 1, perSecond: .nan),
        ] {
            #expect(throws: ConfigurationError.self) { try Testbed { $0.retryBudget = budget } }
        }
    }
}
