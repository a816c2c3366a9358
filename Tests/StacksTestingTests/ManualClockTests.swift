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

    @Test("it moves from deadline to deadline while something runs, and stands still again after that")
    func advancing() async throws {
        let clock = ManualClock()
        let offsets = try await clock.advancing {
            var offsets: [Duration] = []
            for seconds in [3600, 1, 600] {
                try await clock.sleep(for: .seconds(seconds))
                offsets.append(clock.now.offset)
            }
            return offsets
        }
        #expect(offsets == [.seconds(3600), .seconds(3601), .seconds(4201)])
        async let later: Void = clock.sleep(for: .seconds(1))
        await clock.waitForSleepers()
        #expect(clock.now.offset == .seconds(4201))
        clock.advance(by: .seconds(1))
        try await later
    }

    @Test("it goes on after the year 4000, and after any other")
    func farLeap() async throws {
        let clock = ManualClock()
        let start = clock.date
        async let later: Void = clock.sleep(for: .seconds(100_000_000_000))
        await clock.waitForSleepers()
        clock.advance(by: .seconds(100_000_000_000))
        try await later
        clock.advance(by: .seconds(1))
        #expect(clock.date.timeIntervalSince(start) == 100_000_000_001)
        let end = clock.date + 10
        #expect(clock.advance(by: .seconds(10), before: end) == (false, end - 10))
        #expect(clock.advance(by: .seconds(9), before: end) == (true, end - 1))
        let scenario = try Scenario.registered()
        scenario.clock.advance(by: .seconds(100_000_000_000_000))
        let jobs = scenario.simulator.addJobs(2)
        let page = try scenario.list("&limit=1").json
        #expect(page["jobs"][0]["id"].text == jobs[0])
        let cursor = try #require(page["page_info"]["end_cursor"].text)
        #expect(try scenario.listed("&after=\(cursor)") == [jobs[1]])
    }

    @Test("a past deadline does not sleep")
    func passedDeadline() async throws {
        let clock = ManualClock()
        try await clock.sleep(until: clock.now)
        #expect(clock.sleeperCount == 0)
    }
}
