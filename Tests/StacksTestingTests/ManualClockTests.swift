import Foundation
import StacksTesting
import Testing

@Suite("ManualClock", .timeLimit(.minutes(5)))
struct ManualClockTests {
    @Test("dates and instants change only when the clock is advanced")
    func advance() {
        let clock = ManualClock()
        let (date, now) = (clock.date, clock.now)
        #expect(clock.now == now)
        clock.advance(by: .milliseconds(1500))
        #expect(clock.date.timeIntervalSince(date) == 1.5)
        #expect(now.duration(to: clock.now) == .milliseconds(1500))
    }

    @Test("sleepers wake at their deadlines, and not before")
    func sleepers() async throws {
        let clock = ManualClock()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for seconds in [1, 2] {
                group.addTask {
                    try await clock.sleep(for: .seconds(seconds))
                    return seconds
                }
            }
            await clock.waitForSleepers(2)
            clock.advance(by: .seconds(1))
            let first = try await group.next()
            #expect(first == 1)
            #expect(clock.sleeperCount == 1)
            clock.advance(by: .seconds(1))
            let second = try await group.next()
            #expect(second == 2)
        }
    }

    @Test("a past deadline does not sleep")
    func passedDeadline() async throws {
        let clock = ManualClock()
        try await clock.sleep(until: clock.now)
        #expect(clock.sleeperCount == 0)
    }
}
