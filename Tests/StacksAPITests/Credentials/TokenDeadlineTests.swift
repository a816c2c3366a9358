import HTTPTypes
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksAPI

/// A token provider that takes its time does not take the call's.
@Suite(.timeLimit(.minutes(5))) struct TokenDeadlineTests {
    /// Answers each question when the clock has moved as far as the question's number says; `nil` is never.
    private final class SlowVault: Sendable {
        private let delays: [Duration?]
        private let counts = Mutex((asked: 0, cancelled: 0))
        private let clock: ManualClock

        init(_ delays: [Duration?], clock: ManualClock) {
            self.delays = delays
            self.clock = clock
        }

        var asked: Int { counts.withLock { $0.asked } }
        var cancelled: Int { counts.withLock { $0.cancelled } }

        func token() async throws -> Secret {
            let index = counts.withLock { counts in
                defer { counts.asked += 1 }
                return counts.asked
            }
            do {
                let delay = index < delays.count ? delays[index] : .zero
                if delay != .zero { try await clock.sleep(for: delay ?? .seconds(1_000_000)) }
            } catch {
                counts.withLock { $0.cancelled += 1 }
                throw error
            }
            return Secret("bkct_number\(index)")
        }
    }

    private let clock = ManualClock()

    private func client(
        _ delays: [Duration?], _ steps: [InMemoryTransport.Step]
    ) throws -> (StacksClient, InMemoryTransport, SlowVault) {
        let vault = SlowVault(delays, clock: clock)
        let transport = InMemoryTransport(script: steps)
        var configuration = StacksClient.Configuration()
        configuration.clock = clock
        let client = try StacksClient(
            tokenProvider: TokenProvider { try await vault.token() }, transport: Timeless(inner: transport),
            configuration: configuration)
        return (client, transport, vault)
    }

    /// Calls with two seconds, which pass while the provider thinks.
    private func lateCall(_ client: StacksClient) async throws -> StacksAPIError {
        async let error = failure {
            _ = try await client.tokenIdentity(options: CallOptions(timeout: .seconds(2)))
        }
        // The provider, and the deadline.
        await clock.waitForSleepers(2)
        clock.advance(by: .milliseconds(1999))
        #expect(clock.sleeperCount == 2)
        clock.advance(by: .milliseconds(1))
        return try await error
    }

    @Test("a call fails at its deadline if the provider returns no first token, and the provider is cancelled")
    func endsTheFirstQuestion() async throws {
        let (client, transport, vault) = try client([nil], [.response()])
        let error = try await lateCall(client)
        #expect(error.code == .deadlineExceeded)
        #expect(error.operation == .tokenIdentity)
        #expect(error.attempts == 0)
        #expect(!error.mayHaveTakenEffect)
        #expect(error.message.contains("before the token provider returned a token; nothing was sent"), "\(error)")
        #expect(vault.cancelled == 1)
        #expect(clock.sleeperCount == 0)
        #expect(transport.requests.isEmpty)
        // The next call is not spoilt by it.
        #expect(try await client.tokenIdentity().attempts == 1)
    }

    @Test(
        "a call fails at its deadline if the provider does not replace a refused token, and the provider is cancelled")
    func endsTheSecondQuestion() async throws {
        let (client, transport, vault) = try client([.zero, nil], [.response(), .response(.unauthorized)])
        _ = try await client.tokenIdentity()
        let error = try await lateCall(client)
        #expect(error.code == .deadlineExceeded)
        #expect(error.attempts == 1)
        #expect(!error.mayHaveTakenEffect)
        #expect(error.message.contains("before the token provider returned another"), "\(error)")
        #expect(vault.cancelled == 1)
        #expect(transport.requests.count == 2)
    }

    @Test(
        "a call that waits for another call's request to the provider ends at its own deadline, and the request continues"
    )
    func endsTheWaiterAlone() async throws {
        let (client, _, vault) = try client([.seconds(5)], [.response()])
        let patient = Task { try await client.tokenIdentity() }
        await clock.waitForSleepers(1)
        let error = try await lateCall(client)
        #expect(error.code == .deadlineExceeded)
        #expect(vault.cancelled == 0)
        clock.advance(by: .seconds(3))
        #expect(try await patient.value.attempts == 1)
        #expect(vault.asked == 1)
    }

    @Test("if the call that requested a token reaches its deadline, another one requests it")
    func passesTheQuestionOn() async throws {
        let (client, transport, vault) = try client([nil], [.response()])
        async let error = failure {
            _ = try await client.tokenIdentity(options: CallOptions(timeout: .seconds(2)))
        }
        await clock.waitForSleepers(2)
        let patient = Task { try await client.tokenIdentity(options: CallOptions(timeout: .seconds(60))) }
        await clock.waitForSleepers(3)
        clock.advance(by: .seconds(2))
        #expect(try await error.code == .deadlineExceeded)
        #expect(try await patient.value.attempts == 1)
        #expect(vault.asked == 2)
        #expect(transport.requests.map { $0.headerFields[.authorization] } == ["Token bkct_number1"])
    }

    @Test("a call whose deadline has passed does not call the provider")
    func asksNothingTooLate() async throws {
        let (client, _, vault) = try client([.zero], [.response()])
        let error = try await failure { _ = try await client.tokenIdentity(options: CallOptions(timeout: .zero)) }
        #expect(error.code == .deadlineExceeded)
        #expect(vault.asked == 0)
    }

    /// A clock that tells what it is asked for.
    private struct WatchedClock: Clock {
        let inner: ManualClock
        let asked: @Sendable (Duration) -> Void

        var now: ManualClock.Instant { inner.now }
        var minimumResolution: Duration { inner.minimumResolution }

        func sleep(until deadline: ManualClock.Instant, tolerance: Duration?) async throws {
            asked(now.duration(to: deadline))
            try await inner.sleep(until: deadline, tolerance: tolerance)
        }
    }

    @Test("a sleep until a deadline beyond the clock's range is split into days")
    func waitsForFarDeadlines() async throws {
        let longest = Mutex(Duration.zero)
        var configuration = StacksClient.Configuration()
        configuration.clock = WatchedClock(inner: clock) { duration in longest.withLock { $0 = max($0, duration) } }
        let clock = clock
        let provider = TokenProvider {
            await clock.waitForSleepers(1)
            return Secret("bkct_one")
        }
        let client = try StacksClient(
            tokenProvider: provider, transport: Timeless(inner: InMemoryTransport(script: [.response()])),
            configuration: configuration)
        _ = try await client.tokenIdentity(options: CallOptions(timeout: .seconds(Int64.max)))
        #expect(longest.withLock { $0 } == .seconds(86_400))
    }
}
