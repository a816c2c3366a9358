import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("How often the list is read")
struct PollRateTests {
    /// When polls were sent within a time, each answered at once with these jobs. `delay` is how late one is sent, by its
    /// number.
    private func polls(
        within time: Duration, _ driver: inout MachineDriver, limit: Int? = nil,
        late delay: (Int) -> Duration = { _ in .zero }, _ jobs: (Int) -> [ScheduledJob]
    ) -> [Duration] {
        let end = driver.now + time
        var sent: [Duration] = []
        while driver.now < end {
            for _ in driver.passes(.milliseconds(10)).polls {
                _ = driver.passes(delay(sent.count))
                sent.append(driver.now)
                let page = MachineDriver.page(jobs(sent.count))
                let wishes = driver.happens(.polled(.success(page), limit: limit, sentAt: driver.now))
                for ids in wishes.reserved { _ = driver.issues(driver.reserves(ids).tokens.flatMap { $0 }) }
            }
        }
        return sent
    }

    /// The most of them within a second.
    private func most(_ times: [Duration]) -> Int {
        times.map { time in times.count { $0 >= time && $0 < time + .seconds(1) } }.max() ?? 0
    }

    private func quiet() -> MachineDriver {
        var driver = MachineDriver.running(capacity: 1000)
        _ = driver.polls([])
        return driver
    }

    @Test("once a second at most while nothing comes")
    func quietly() {
        var driver = quiet()
        let sent = polls(within: .seconds(600), &driver) { _ in [] }
        #expect(most(sent) == 1)
        #expect(sent.count > 500)
    }

    @Test("while jobs come, up to half as often as is allowed and never more often", arguments: [10, 20, 4, 1])
    func busily(limit: Int) {
        var driver = quiet()
        _ = polls(within: .seconds(2), &driver, limit: limit) { [.number($0)] }
        let sent = polls(within: .seconds(60), &driver, limit: limit) { [.number(1000 + $0)] }
        #expect(most(sent) <= max(1, limit / 2))
        #expect(sent.count >= 50 * min(max(1, limit / 2), 10))
    }

    @Test("a request that is sent late counts from when it was sent")
    func late() {
        var driver = quiet()
        _ = polls(within: .seconds(2), &driver) { [.number($0)] }
        let sent = polls(within: .seconds(60), &driver, late: { .milliseconds($0 % 7 == 0 ? 60 : 0) }) {
            [.number(1000 + $0)]
        }
        #expect(most(sent) == 5)
        #expect(sent.count >= 250)
    }

    @Test("no six requests arrive within a second, though some are delayed by up to 50 ms")
    func delayed() {
        var driver = quiet()
        _ = polls(within: .seconds(2), &driver) { [.number($0)] }
        let sent = polls(within: .seconds(60), &driver) { [.number(1000 + $0)] }
        for late in 0..<7 {
            // Every seventh one, so that it is not as late as the fifth one after it.
            let arrived = sent.enumerated().map { $1 + .milliseconds($0 % 7 == late ? 50 : 0) }
            #expect(most(arrived) <= 5)
        }
    }

    @Test("half a minute after the last job came it is quiet again")
    func calms() {
        var driver = quiet()
        let busy = polls(within: .seconds(9), &driver) { _ in [.number(1)] }
        #expect(busy.count > 30)
        let last = polls(within: .seconds(28), &driver) { _ in [] }
        #expect(last.count > 100)
        _ = polls(within: .seconds(4), &driver) { _ in [] }
        #expect(most(polls(within: .seconds(60), &driver) { _ in [] }) == 1)
    }

    @Test("jobs of others are no reason to read more often")
    func unmatched() {
        var driver = quiet()
        let sent = polls(within: .seconds(60), &driver) { [.number($0, rules: ["os=none"])] }
        #expect(most(sent) == 1)
    }

    @Test(
        "an interval that is set shorter than what is allowed is lengthened, and a longer one is kept while it is quiet"
    )
    func interval() {
        var short = MachineDriver.running { $0.pollInterval = .milliseconds(10) }
        _ = short.polls([])
        #expect(most(polls(within: .seconds(30), &short) { _ in [] }) == 5)
        var long = MachineDriver.running { $0.pollInterval = .seconds(20) }
        _ = long.polls([])
        #expect(polls(within: .seconds(600), &long) { _ in [] }.count <= 30)
    }

    @Test("while every slot is taken, or the queue is paused, one job is requested once a second")
    func full() {
        var driver = MachineDriver.running(capacity: 1)
        driver.launches([.number(1)])
        #expect(most(polls(within: .seconds(30), &driver) { [.number(1000 + $0)] }) == 1)
    }

    @Test("while more wait than there are slots, one that becomes free is filled from what was read a moment ago")
    func backlogged() {
        var (driver, waiting) = (MachineDriver.running(capacity: 20), ScheduledJob.numbers(0..<10_000))
        var ends: [(at: Duration, id: JobID)] = []
        var (pages, launched) = (0, 0)
        func reacts(to wishes: Wishes) {
            for poll in wishes.polls {
                if poll.limit > 1 { pages += 1 }
                let page = MachineDriver.page(Array(waiting.prefix(poll.limit)), next: "more")
                reacts(to: driver.happens(.polled(.success(page), limit: nil)))
            }
            for ids in wishes.reserved {
                waiting.removeAll { ids.contains($0.id) }
                reacts(to: driver.reserves(ids))
            }
            for ids in wishes.tokens { reacts(to: driver.issues(ids)) }
            for query in wishes.queries {
                let ended = Set(query.ended)
                let states = query.jobs.map { ($0, ended.contains($0) ? JobState.finished : .running) }
                reacts(to: driver.says(Dictionary(states) { first, _ in first }, to: query))
            }
            for id in wishes.launched {
                launched += 1
                // One after the other, some at a time.
                ends.append((driver.now + .milliseconds(4000 + launched * 370 % 4000), id))
            }
        }
        reacts(to: driver.polls(Array(waiting.prefix(1000)), next: "more"))
        for _ in 0..<6000 {
            reacts(to: driver.passes(.milliseconds(10)))
            for end in ends where end.at <= driver.now {
                reacts(to: driver.happens(.launcherEnded(end.id, .exited(.success))))
            }
            ends.removeAll { $0.at <= driver.now }
        }
        // A minute of 20 slots and jobs of six seconds.
        #expect(launched >= 190, "no slot waits for a list")
        #expect(pages < launched / 2)
    }
}
