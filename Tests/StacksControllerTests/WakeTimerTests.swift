import Synchronization
import Testing

@testable import StacksController

@Suite("What wakes a controller", .timeLimit(.minutes(1)))
struct WakeTimerTests {
    /// A clock that stands still, and knows how many sleep on it.
    private final class StandingClock: Clock {
        struct Instant: InstantProtocol {
            var offset: Duration
            func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
            func duration(to other: Instant) -> Duration { other.offset - offset }
            static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.offset < rhs.offset }
        }

        private let counts = Mutex((sleeping: 0, begun: 0))

        var now: Instant { Instant(offset: .zero) }
        var minimumResolution: Duration { .nanoseconds(1) }
        var sleeping: Int { counts.withLock { $0.sleeping } }
        var begun: Int { counts.withLock { $0.begun } }

        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            counts.withLock { $0 = ($0.sleeping + 1, $0.begun + 1) }
            defer { counts.withLock { $0.sleeping -= 1 } }
            try await ContinuousClock().sleep(for: .seconds(1_000_000))
        }
    }

    @Test("however often it is set, one task sleeps, and none when it is stopped; a replaced one wakes nobody")
    func one() async throws {
        let clock = StandingClock()
        let wakes = Mutex(0)
        var timer = WakeTimer(ControllerTime(clock)) { wakes.withLock { $0 += 1 } }
        for step in 0..<200 { timer.set(.seconds(1000 - step), now: .zero) }
        // Those that were replaced have begun, and have ended.
        try await wait { clock.begun == 200 && clock.sleeping == 1 }
        // A later time needs no other task.
        let begun = clock.begun
        for step in 0..<200 { timer.set(.seconds(2000 + step), now: .zero) }
        #expect(clock.begun == begun)
        await timer.stop()
        #expect(clock.sleeping == 0)
        #expect(wakes.withLock { $0 } == 0)
    }
}
