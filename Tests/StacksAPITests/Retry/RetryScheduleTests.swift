import HTTPTypes
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksAPI

/// When things happen, on a clock that the test moves.
@Suite(.timeLimit(.minutes(5))) struct RetryScheduleTests {
    /// A clock that keeps how long it is slept on.
    private struct WatchedClock: Clock {
        let inner = ManualClock()
        private let list = Recorder()

        private final class Recorder: Sendable {
            let waits = Mutex<[Duration]>([])
        }

        var now: ManualClock.Instant { inner.now }
        var minimumResolution: Duration { inner.minimumResolution }
        /// The sleeps so far, the one that goes on included.
        var waits: [Duration] { list.waits.withLock { $0 } }

        func sleep(until deadline: ManualClock.Instant, tolerance: Duration?) async throws {
            list.waits.withLock { $0.append(inner.now.duration(to: deadline)) }
            try await inner.sleep(until: deadline, tolerance: tolerance)
        }
    }

    /// Moves the clock to each of the waits in turn, and checks that there is no request before its end, and that each
    /// was that long to 2 ms.
    private func follow(_ waits: [Duration], on clock: WatchedClock, _ bed: Testbed) async {
        for (index, wait) in waits.enumerated() {
            await clock.inner.waitForSleepers()
            #expect(bed.transport.requests.count == index + 1)
            clock.inner.advance(by: wait - .milliseconds(2))
            #expect(clock.inner.sleeperCount == 1, "wait \(index) is not over 2 ms before its end")
            #expect(clock.waits.count == index + 1)
            #expect(clock.waits.last.map { abs(($0 - wait) / .milliseconds(1)) < 2 } == true, "\(clock.waits)")
            clock.inner.advance(by: .milliseconds(4))
        }
    }

    @Test("retries wait 1.5, 2.0, 2.9 and 4.2 seconds with the least jitter")
    func followsTheSchedule() async throws {
        let clock = WatchedClock()
        let bed = try Testbed(
            [.refused, .lostResponse, .response(.badGateway), .response(.tooManyRequests), .response()], clock: clock)
        async let attempts = bed.client.tokenIdentity().attempts
        await follow(
            [.milliseconds(1500), .milliseconds(2040), .milliseconds(2871), .milliseconds(4152)], on: clock, bed)
        #expect(try await attempts == 5)
    }

    @Test("Retry-After replaces the wait")
    func obeysRetryAfter() async throws {
        let clock = WatchedClock()
        let bed = try Testbed(
            [
                .response(.tooManyRequests, "{}", [.retryAfter: "7"]),
                .response(.serviceUnavailable, "{}", [.retryAfter: "60"]), .response(),
            ],
            clock: clock)
        async let attempts = bed.client.tokenIdentity().attempts
        await follow([.seconds(7), .seconds(60)], on: clock, bed)
        #expect(try await attempts == 3)
    }

    @Test("the logged delay is the whole wait, including the rate limit's")
    func saysTheWait() async throws {
        let clock = WatchedClock()
        let reset = HTTPField.Name("RateLimit-Reset")!
        let bed = try Testbed(
            [
                .response(.tooManyRequests, "{}", [reset: "9"]), .response(.serviceUnavailable),
                .response(.ok, #"{"states":{}}"#),
            ], clock: clock)
        async let response = bed.client.jobStates([.sample], stack: "k")
        await follow([.seconds(9), .milliseconds(2040)], on: clock, bed)
        #expect(try await response.attempts == 3)
        #expect(bed.log.lines.compactMap { $0.metadata["delay"] }.map { String($0.prefix(3)) } == ["9.0", "2.0"])
    }

    @Test("a call does not start to wait for a rate limit beyond its deadline")
    func doesNotPausePastTheDeadline() async throws {
        let reset = HTTPField.Name("RateLimit-Reset")!
        let bed = try Testbed([.response(.tooManyRequests, "{}", [reset: "9"])], clock: ManualClock())
        let error = try await failure {
            _ = try await bed.client.jobStates([.sample], stack: "k", options: CallOptions(timeout: .seconds(8)))
        }
        #expect(error.code == .deadlineExceeded)
        #expect(bed.transport.requests.count == 1)
    }

    @Test("a Retry-After above the policy's limit ends the call with an error that has it")
    func doesNotAskTooEarly() async throws {
        let bed = try Testbed(
            [.response(.tooManyRequests, "{}", [.retryAfter: "61"]), .response()], clock: ManualClock())
        let error = try await failure { _ = try await bed.client.tokenIdentity() }
        #expect(error.code == .rateLimited)
        #expect(error.retryAfter == .seconds(61))
        #expect(error.attempts == 1)
        #expect(error.message.contains("61.0 seconds") && error.message.contains("60.0 seconds"), "\(error)")
        #expect(bed.transport.requests.count == 1)
    }

    @Test("a call fails at once if a wait would end after its deadline")
    func doesNotWaitPastTheDeadline() async throws {
        let clock = ManualClock()
        let bed = try Testbed([.response(.serviceUnavailable, #"{"message":"later"}"#), .response()], clock: clock)
        let error = try await failure {
            _ = try await bed.client.tokenIdentity(options: CallOptions(timeout: .milliseconds(1500)))
        }
        #expect(error.code == .deadlineExceeded)
        #expect(error.status == .serviceUnavailable)
        #expect(error.serverMessage == "later")
        #expect(error.description.contains("the next attempt would be in 1.5 seconds"), "\(error)")
        #expect(bed.transport.requests.count == 1)
    }

    @Test("a call waits if the wait ends before its deadline")
    func waitsBeforeTheDeadline() async throws {
        let clock = ManualClock()
        let bed = try Testbed([.response(.serviceUnavailable), .response()], clock: clock)
        async let attempts = bed.client.tokenIdentity(options: CallOptions(timeout: .milliseconds(1501))).attempts
        await clock.waitForSleepers()
        clock.advance(by: .milliseconds(1500))
        #expect(try await attempts == 2)
    }

    @Test("after a wait beyond the deadline nothing is sent, and the error says what may have taken effect")
    func stopsAfterALateWakeUp() async throws {
        let clock = ManualClock()
        let bed = try Testbed([.lostResponse, .response()], clock: clock)
        async let error = failure {
            _ = try await bed.client.tokenIdentity(options: CallOptions(timeout: .seconds(2)))
        }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(5))
        #expect(try await error.code == .deadlineExceeded)
        #expect(try await error.attempts == 1)
        #expect(try await error.mayHaveTakenEffect)
        #expect(bed.transport.requests.count == 1)
    }

    @Test("a deadline that has passed sends nothing")
    func sendsNothingTooLate() async throws {
        let bed = try Testbed([.response()])
        for options in [CallOptions(timeout: .zero), CallOptions(deadline: .now - .seconds(1), timeout: .seconds(9))] {
            let error = try await failure { _ = try await bed.client.tokenIdentity(options: options) }
            #expect(error.code == .deadlineExceeded)
            #expect(error.attempts == 0)
        }
        #expect(bed.transport.requests.isEmpty)
    }

    /// Keeps the deadlines of requests.
    private final class DeadlineRecorder: HTTPTransport {
        private let list = Mutex<[ContinuousClock.Instant?]>([])

        var deadlines: [ContinuousClock.Instant?] { list.withLock { $0 } }

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            list.withLock { $0.append(request.deadline) }
            return TransportResponse(status: .ok, body: Array("{}".utf8))
        }
    }

    @Test("a request's deadline is the request timeout or the call's deadline, whichever is earlier")
    func setsDeadlines() async throws {
        let recorder = DeadlineRecorder()
        var configuration = StacksClient.Configuration()
        configuration.requestTimeout = .seconds(30)
        configuration.clock = ManualClock()
        let client = try StacksClient(token: Testbed.token, transport: recorder, configuration: configuration)
        let now = client.core.environment.now().instant
        for options in [
            CallOptions(), CallOptions(timeout: .seconds(5)), CallOptions(deadline: now + .seconds(60)),
            CallOptions(deadline: now + .seconds(7), timeout: .seconds(6)),
            CallOptions(deadline: now + .seconds(7), timeout: .seconds(8)),
        ] {
            _ = try await client.tokenIdentity(options: options)
        }
        #expect(recorder.deadlines == [30, 5, 30, 6, 7].map { now + .seconds($0) })
    }

    /// Five seconds of silence, as a transport tells of them.
    private static let silence = InMemoryTransport.Step.fail(
        TransportError(code: .timeout, phase: .waiting, message: "no response"), after: .seconds(5))

    @Test("a timeout of the transport at the call's deadline is a deadline error")
    func tellsDeadlinesFromTimeouts() async throws {
        let clock = ManualClock()
        let bed = try Testbed([Self.silence], clock: clock, transportClock: clock)
        async let error = failure {
            _ = try await bed.client.tokenIdentity(options: CallOptions(timeout: .seconds(5)))
        }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(5))
        #expect(try await error.code == .deadlineExceeded)
        #expect(try await error.underlying?.code == .timeout)
        #expect(try await error.attempts == 1)
    }

    @Test("the error of a request that timed out names the limit for one request")
    func namesTheTimeout() async throws {
        let clock = ManualClock()
        let bed = try Testbed([Self.silence], clock: clock, transportClock: clock) { $0.requestTimeout = .seconds(5) }
        async let error = failure {
            _ = try await bed.client.tokenIdentity(options: CallOptions(retryPolicy: .never, timeout: .seconds(6)))
        }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(5))
        #expect(try await error.code == .transport)
        #expect(try await error.message.contains("The limit for one request is 5.0 seconds"))
    }

    @Test("cancelling ends a call while it waits for a response and while it waits to retry")
    func cancels() async throws {
        let clock = ManualClock()
        let waiting = try Testbed([.response(.serviceUnavailable)], clock: clock)
        let task = Task { try await waiting.client.tokenIdentity() }
        await clock.waitForSleepers()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(waiting.transport.requests.count == 1)

        let hanging = try Testbed([.hang])
        let other = Task { try await hanging.client.tokenIdentity() }
        other.cancel()
        await #expect(throws: CancellationError.self) { try await other.value }
    }
}
