import HTTPTypes
import Logging
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksAPI

@Suite(.timeLimit(.minutes(5))) struct TokenProviderTests {
    /// Gives one token after the other, and the last one for ever.
    private final class Vault: Sendable {
        struct Sealed: Error { let secret = "hunter2" }

        private let tokens: [String?]
        /// Holds the questions up until so many calls are waiting for an answer.
        private let gathers: @Sendable () async -> Void
        private let asked = Mutex(0)

        init(_ tokens: String?..., gathers: @escaping @Sendable () async -> Void = {}) {
            self.tokens = tokens
            self.gathers = gathers
        }

        var questions: Int { asked.withLock { $0 } }

        var provider: TokenProvider {
            TokenProvider {
                let index = self.asked.withLock { count in
                    defer { count += 1 }
                    return count
                }
                await self.gathers()
                guard let token = self.tokens[min(index, self.tokens.count - 1)] else { throw Sealed() }
                return Secret(token)
            }
        }
    }

    /// A clock on which every call that needs a token sleeps until its deadline: who waits can be counted.
    private let clock = ManualClock()

    /// A client with that clock.
    private func waitingClient(
        _ provider: TokenProvider, _ transport: any HTTPTransport
    ) throws -> StacksClient {
        var configuration = StacksClient.Configuration()
        configuration.clock = clock
        return try StacksClient(tokenProvider: provider, transport: transport, configuration: configuration)
    }

    private static let patient = CallOptions(timeout: .seconds(60))

    private func client(
        _ vault: Vault, _ steps: [InMemoryTransport.Step], log: RecordedLog = RecordedLog()
    ) throws -> (StacksClient, InMemoryTransport) {
        let transport = InMemoryTransport(script: steps)
        let client = try StacksClient(
            tokenProvider: vault.provider, transport: transport, logger: log.logger(.trace))
        return (client, transport)
    }

    private func tokens(_ transport: InMemoryTransport) -> [String?] {
        transport.requests.map { $0.headerFields[.authorization] }
    }

    @Test("the provider is asked once for any number of calls")
    func asksOnce() async throws {
        let vault = Vault("bkct_one", gathers: { [clock] in await clock.waitForSleepers(20) })
        let transport = InMemoryTransport(script: Array(repeating: .answer(), count: 20))
        let client = try waitingClient(vault.provider, Timeless(inner: transport))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = try await client.tokenIdentity(options: Self.patient) } }
            try await group.waitForAll()
        }
        #expect(vault.questions == 1)
        #expect(tokens(transport) == Array(repeating: "Token bkct_one", count: 20))
    }

    @Test("a token that is refused is replaced, and the request is sent again, whatever it is")
    func rotates() async throws {
        let vault = Vault("bkct_one", "bkct_two")
        let (client, transport) = try client(vault, [.answer(.unauthorized), .answer(), .answer()])
        let response = try await client.finishJob(
            .sample, stack: "k", exitStatus: 1, detail: "d",
            options: CallOptions(retryPolicy: .never, headerFields: [.acceptLanguage: "en"]))
        #expect(response.attempts == 2)
        _ = try await client.tokenIdentity()
        #expect(vault.questions == 2)
        #expect(tokens(transport) == ["Token bkct_one", "Token bkct_two", "Token bkct_two"])
        #expect(transport.requests[1].headerFields[.acceptLanguage] == "en")
        #expect(transport.requests[1].headerFields[.contentType] == "application/json")
    }

    @Test("calls whose token was replaced while they were under way use the new one without a question")
    func sharesRotation() async throws {
        let simulator = StacksSimulator()
        let vault = Vault("bkct_old", simulator.token)
        let client = try StacksClient(tokenProvider: vault.provider, transport: simulator.transport())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await client.tokenIdentity() } }
            try await group.waitForAll()
        }
        #expect(vault.questions == 2)
    }

    @Test("a call asks once: a second refusal, or the same token again, is its error")
    func givesUp() async throws {
        let changing = Vault("bkct_one", "bkct_two", "bkct_three")
        let (first, sent) = try client(changing, [.answer(.unauthorized), .answer(.unauthorized), .answer()])
        let error = try await failure { _ = try await first.tokenIdentity() }
        #expect(error.code == .unauthorized)
        #expect(error.attempts == 2)
        #expect(sent.requests.count == 2)

        let same = Vault("bkct_one")
        let (second, sentOnce) = try client(same, [.answer(.unauthorized, #"{"message":"expired"}"#), .answer()])
        let unchanged = try await failure { _ = try await second.tokenIdentity() }
        #expect(unchanged.serverMessage == "expired")
        #expect(sentOnce.requests.count == 1)
        #expect(same.questions == 2)
    }

    @Test("a fixed token that is refused is not sent again")
    func keepsFixedTokens() async throws {
        let bed = try Testbed([.answer(.unauthorized), .answer()])
        _ = try await failure { _ = try await bed.client.tokenIdentity() }
        #expect(bed.transport.requests.count == 1)
    }

    @Test("a provider that fails, or gives no token, fails the calls, and what it threw is not shown")
    func reportsFailures() async throws {
        for token in [nil, "", "two words"] {
            let log = RecordedLog()
            let (client, transport) = try client(Vault(token), [], log: log)
            let error = try await failure { _ = try await client.tokenIdentity() }
            #expect(error.code == .unauthorized)
            #expect(error.operation == .tokenIdentity)
            #expect(error.attempts == 0)
            #expect(!"\(error) \(log.text)".contains("hunter2"))
            #expect(!"\(error) \(log.text)".contains("two words"))
            #expect(transport.requests.isEmpty)
        }
    }

    @Test("a provider that failed is asked again by the next call")
    func recovers() async throws {
        let (client, _) = try client(Vault(nil, "bkct_one"), [.answer()])
        _ = try await failure { _ = try await client.tokenIdentity() }
        _ = try await client.tokenIdentity()
    }

    @Test("when the call that asks is cancelled, another asks")
    func survivesCancellation() async throws {
        let asked = Mutex(0)
        let provider = TokenProvider { [clock] in
            let count = asked.withLock { count in
                count += 1
                return count
            }
            if count == 1 { try await clock.sleep(for: .seconds(600)) }
            return Secret("bkct_one")
        }
        let client = try waitingClient(provider, Timeless(inner: InMemoryTransport(script: [.answer()])))
        let first = Task { try await client.tokenIdentity(options: Self.patient) }
        // The provider and the deadline, and then a deadline more for each that waits.
        await clock.waitForSleepers(2)
        let second = Task { try await client.tokenIdentity(options: Self.patient) }
        let third = Task { try await client.tokenIdentity(options: Self.patient) }
        await clock.waitForSleepers(4)
        third.cancel()
        await #expect(throws: CancellationError.self) { try await third.value }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        _ = try await second.value
        let questions = asked.withLock { $0 }
        #expect(questions == 2)
    }

    @Test("neither an old token nor a new one is in an error or a log line")
    func redactsAll() async throws {
        let log = RecordedLog()
        let vault = Vault("first-token", "second-token")
        let (client, _) = try client(
            vault,
            [.answer(.unauthorized), .answer(.forbidden, #"{"message":"not first-token, not second-token"}"#)],
            log: log)
        let error = try await failure { _ = try await client.tokenIdentity() }
        #expect(error.serverMessage == "not [redacted], not [redacted]")
        for token in ["first-token", "second-token"] { #expect(!"\(error) \(log.text)".contains(token)) }
    }

    @Test("when the call that asks is cancelled, another asks, whatever the provider throws then")
    func survivesOtherErrors() async throws {
        struct Interrupted: Error {}
        let asked = Mutex(0)
        let provider = TokenProvider { [clock] in
            let count = asked.withLock { count in
                count += 1
                return count
            }
            if count == 1 {
                do { try await clock.sleep(for: .seconds(600)) } catch { throw Interrupted() }
            }
            return Secret("bkct_one")
        }
        let client = try waitingClient(provider, Timeless(inner: InMemoryTransport(script: [.answer()])))
        let first = Task { try await client.tokenIdentity(options: Self.patient) }
        await clock.waitForSleepers(2)
        let second = Task { try await client.tokenIdentity(options: Self.patient) }
        await clock.waitForSleepers(3)
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        _ = try await second.value
        #expect(asked.withLock { $0 } == 2)
    }

    @Test("the logged header of a client's first request is the one that is sent")
    func logsFirstHeader() async throws {
        let log = RecordedLog()
        var configuration = StacksClient.Configuration()
        configuration.logsPayloads = true
        let client = try StacksClient(
            tokenProvider: TokenProvider { Secret("bkct_t0ken") }, transport: InMemoryTransport(script: [.answer()]),
            configuration: configuration, logger: log.logger(.debug))
        _ = try await client.tokenIdentity()
        let headers = try #require(log.lines.first { $0.message == "Stacks API request" }?.metadata["headers"])
        #expect(headers.contains("User-Agent") && headers.contains("Authorization"))
        #expect(!log.text.contains("t0ken"))
    }

    @Test("a refusal does not make a request certain to have had no effect whose predecessor may have had one")
    func keepsDoubt() async throws {
        for tokens in [Vault("bkct_one"), Vault("bkct_one", nil)] {
            let transport = InMemoryTransport(script: [.answer(.internalServerError), .answer(.unauthorized)])
            var configuration = StacksClient.Configuration()
            configuration.retryPolicy.backoff = Backoff(initial: .zero, multiplier: 1, maximum: .zero)
            configuration.retryPolicy.jitter = .zero ... .zero
            let client = try StacksClient(
                tokenProvider: tokens.provider, transport: transport, configuration: configuration)
            let error = try await failure { try await client.notify(.sample, detail: "d", stack: "k") }
            #expect(error.code == .unauthorized)
            #expect(error.attempts == 2)
            #expect(error.mayHaveTakenEffect)
        }
    }
}
