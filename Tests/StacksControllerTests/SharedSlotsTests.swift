import Testing

@testable import StacksAPI
@testable import StacksController

/// Machines in virtual time that share a pool: what each knows of its queue decides who gets a slot.
@Suite("Who gets a slot that becomes free")
struct SharedSlotsTests {
    /// A stack whose list is what the test says, and whose calls are answered when the test says so.
    private struct Stack {
        var driver: MachineDriver
        let seat: SharedSlots
        /// What is listed.
        var list: [ScheduledJob] = []
        /// Polls that are not answered yet.
        var polls: [(limit: Int, after: String?)] = []
        private(set) var launched: [JobID] = []
        /// Whether tokens are issued.
        var hasTokens = true
        private(set) var tokenRequests = 0
        private var reserved: [JobID: ScheduledJob] = [:]

        init(_ pool: SlotPool, capacity: Int = 10, least: Int = 0) {
            driver = MachineDriver(capacity: capacity, sharesSlots: true) { $0.minimumSlots = least }
            seat = SharedSlots(pool)
            seat.restart(least: least, most: capacity)
            take(driver.happens(.begin(recovered: [])))
            take(driver.happens(.registered(.success(MachineDriver.stack()))))
        }

        /// Answers every call but polls at once.
        mutating func take(_ wishes: Wishes) {
            polls += wishes.polls
            launched += wishes.launched
            for report in wishes.slotReports { take(driver.happens(.slots(seat.report(report)))) }
            for ids in wishes.reserved {
                for job in list where ids.contains(job.id) { reserved[job.id] = job }
                list.removeAll { ids.contains($0.id) }
                take(driver.reserves(ids))
            }
            for ids in wishes.givenBack {
                list += ids.compactMap { reserved[$0] }
                take(driver.happens(.gaveBack(ids, nil)))
            }
            for ids in wishes.tokens {
                tokenRequests += 1
                take(hasTokens ? driver.issues(ids) : driver.happens(.tokens(asked: ids, .failure(.lost))))
            }
            for query in wishes.queries {
                let states = Dictionary(uniqueKeysWithValues: query.jobs.map { ($0, JobState.finished) })
                take(driver.says(query.ended.isEmpty ? states.mapValues { _ in .running } : states, to: query))
            }
            if seat.takeCall() { take(driver.happens(.slotsCall)) }
        }

        mutating func answerPolls() { while !polls.isEmpty { answerPoll() } }

        mutating func answerPoll() {
            let poll = polls.removeFirst()
            let begin = poll.after.flatMap { Int($0) } ?? 0
            let page = Array(list.dropFirst(begin).prefix(poll.limit))
            let next = begin + page.count < list.count ? "\(begin + page.count)" : nil
            take(driver.polls(page, next: next))
        }

        mutating func passes(_ time: Duration) { take(driver.passes(time)) }

        mutating func ends(_ id: JobID) { take(driver.happens(.launcherEnded(id, .exited(.success)))) }
    }

    private struct Fleet {
        let pool: SlotPool
        var stacks: [Stack]

        init(slots: Int, _ make: [(SlotPool) -> Stack]) throws {
            pool = try SlotPool(slots: slots)
            stacks = make.map { [pool] in $0(pool) }
        }

        /// Lets time pass in small steps, in all of them; those in `silent` get no answer to their polls.
        mutating func passes(_ time: Duration, silent: Set<Int> = []) {
            for _ in 0..<Int(time / .milliseconds(10)) {
                for index in stacks.indices {
                    stacks[index].passes(.milliseconds(10))
                    if !silent.contains(index) { stacks[index].answerPolls() }
                    answerCalls()
                }
            }
        }

        mutating func answerCalls() {
            while let index = stacks.indices.first(where: { stacks[$0].seat.takeCall() }) {
                stacks[index].take(stacks[index].driver.happens(.slotsCall))
            }
        }

        mutating func ends(_ stack: Int) {
            guard let id = stacks[stack].launched.last else { return }
            stacks[stack].ends(id)
            answerCalls()
        }

        var launched: [Int] { stacks.map(\.launched.count) }
    }

    @Test("the best job of all queues, however far behind it is on its list")
    func deepest() throws {
        var fleet = try Fleet(slots: 1, [{ Stack($0) }, { Stack($0) }])
        fleet.stacks[0].list = [.number(1, priority: 1000)]
        fleet.passes(.seconds(2))
        #expect(fleet.launched == [1, 0])
        // While the slot is taken each reads the head of its list alone.
        fleet.stacks[0].list = (10..<13).map { .number($0, priority: 5) }
        fleet.stacks[1].list = (100..<2100).map { .number($0, priority: -1) } + [.number(9999, priority: 99)]
        fleet.passes(.seconds(5))
        #expect(fleet.stacks[1].driver.machine.backlog.count == 1)
        fleet.ends(0)
        fleet.passes(.seconds(1))
        #expect(fleet.launched == [1, 1])
        #expect(fleet.stacks[1].launched == [ScheduledJob.number(9999).id])
        for expected in [[2, 1], [3, 1], [4, 1], [4, 2]] {
            fleet.ends(fleet.launched == [1, 1] || fleet.launched == [4, 2] ? 1 : 0)
            fleet.passes(.seconds(1))
            #expect(fleet.launched == expected)
        }
    }

    @Test("one whose list cannot be read keeps the others waiting for half a second at most")
    func silent() throws {
        var fleet = try Fleet(slots: 1, [{ Stack($0) }, { Stack($0) }])
        fleet.stacks[0].list = ScheduledJob.numbers(0..<5)
        fleet.passes(.seconds(2))
        #expect(fleet.launched == [1, 0])
        fleet.passes(.seconds(2), silent: [1])
        fleet.ends(0)
        fleet.passes(.milliseconds(300), silent: [1])
        #expect(fleet.launched == [1, 0])
        fleet.passes(.milliseconds(400), silent: [1])
        #expect(fleet.launched == [2, 0])
    }

    @Test("jobs of one priority in turn, under constant load of the one")
    func turns() throws {
        var fleet = try Fleet(slots: 1, [{ Stack($0) }, { Stack($0) }])
        fleet.stacks[0].list = ScheduledJob.numbers(0..<100)
        fleet.passes(.seconds(2))
        fleet.stacks[1].list = ScheduledJob.numbers(100..<103)
        fleet.passes(.seconds(2))
        #expect(fleet.launched == [1, 0])
        for expected in [[1, 1], [2, 1], [2, 2], [3, 2], [3, 3], [4, 3], [5, 3]] {
            let ending = fleet.stacks.indices.first { fleet.stacks[$0].driver.machine.ledger.occupied > 0 } ?? 0
            fleet.ends(ending)
            fleet.passes(.seconds(1))
            #expect(fleet.launched == expected)
        }
    }

    @Test("what is kept for a stack is free when its first job comes, whatever waits elsewhere")
    func kept() throws {
        var fleet = try Fleet(slots: 3, [{ Stack($0) }, { Stack($0, least: 1) }])
        fleet.stacks[0].list = (0..<10).map { .number($0, priority: 100) }
        fleet.passes(.seconds(2))
        #expect(fleet.launched == [2, 0])
        fleet.stacks[1].list = [.number(50, priority: -100)]
        fleet.passes(.seconds(2))
        #expect(fleet.launched == [2, 1])
    }

    @Test("a stack that is paused, drains or cannot reserve leaves the slots to the others")
    func unable() throws {
        var fleet = try Fleet(slots: 2, [{ Stack($0) }, { Stack($0) }])
        fleet.passes(.seconds(2))
        fleet.stacks[0].polls = []
        let jobs = (0..<5).map { ScheduledJob.number($0, priority: 9) }
        fleet.stacks[0].take(fleet.stacks[0].driver.polls(jobs, isPaused: true))
        fleet.stacks[1].list = ScheduledJob.numbers(10..<15)
        fleet.passes(.seconds(1), silent: [0])
        #expect(fleet.launched == [0, 2])
        #expect(fleet.stacks[1].driver.machine.status(at: fleet.stacks[1].driver.now).idleReason == .full)
        fleet.stacks[1].take(fleet.stacks[1].driver.happens(.drain))
        fleet.ends(1)
        fleet.stacks[0].polls = []
        fleet.stacks[0].list = jobs
        fleet.stacks[0].take(fleet.stacks[0].driver.polls(jobs))
        fleet.passes(.seconds(1))
        #expect(fleet.launched == [1, 2])
    }

    @Test("a bid holds while the next reading of the list is under way")
    func bidWhileReading() throws {
        var fleet = try Fleet(slots: 2, [{ Stack($0) }, { Stack($0) }])
        fleet.stacks[0].list = ScheduledJob.numbers(0..<2)
        fleet.passes(.seconds(2))
        #expect(fleet.launched == [2, 0])
        fleet.stacks[0].list = (100..<1600).map { .number($0, priority: 9) }
        fleet.stacks[1].list = (10..<12).map { .number($0, priority: 1) }
        fleet.passes(.seconds(2))
        fleet.ends(0)
        // The one bids, and the other is waited for.
        fleet.passes(.milliseconds(100), silent: [1])
        fleet.passes(.milliseconds(200), silent: [0, 1])
        #expect(fleet.stacks[0].polls.map(\.after) == [nil])
        fleet.stacks[0].answerPoll()
        fleet.answerCalls()
        #expect(fleet.stacks[0].polls.map(\.after) == ["1000"])
        #expect(fleet.launched == [2, 0])
        // Now the other bids, while the one has read half of its list again.
        fleet.passes(.milliseconds(20), silent: [0])
        fleet.passes(.milliseconds(500))
        #expect(fleet.launched == [3, 0])
    }

    @Test("a stack that gets no token leaves the slots to the others between its tries, and has one for each of them")
    func tokenOutage() throws {
        var fleet = try Fleet(slots: 1, [{ Stack($0) }, { Stack($0) }])
        fleet.stacks[0].hasTokens = false
        fleet.stacks[0].list = ScheduledJob.numbers(0..<5)
        var nextTry: Duration { fleet.stacks[0].driver.machine.launching.pacing.due }
        var now: Duration { fleet.stacks[0].driver.now }
        fleet.passes(.seconds(40))
        while nextTry - now < .seconds(10), now < .seconds(400) { fleet.passes(.milliseconds(500)) }
        #expect(fleet.stacks[0].driver.machine.status(at: now).idleReason == .noToken)
        #expect(nextTry - now >= .seconds(10))
        for launched in 1...2 {
            // After the first time its turn is the older one, and it could start nothing with it.
            fleet.stacks[1].list = [.number(50 + launched)]
            fleet.passes(.seconds(2))
            #expect(fleet.launched == [0, launched])
            fleet.ends(1)
        }
        let (tries, due) = (fleet.stacks[0].tokenRequests, nextTry)
        while fleet.stacks[0].tokenRequests == tries, now < .seconds(600) { fleet.passes(.milliseconds(500)) }
        #expect(now >= due && now - due < .seconds(2))
    }

    @Test("in an outage of tokens a stack with free slots has one of them, and only while it tries")
    func oneSlotForATry() throws {
        var fleet = try Fleet(slots: 5, [{ Stack($0) }, { Stack($0) }])
        fleet.stacks[0].hasTokens = false
        fleet.stacks[0].list = ScheduledJob.numbers(0..<5)
        fleet.passes(.seconds(40))
        var most = 0
        for _ in 0..<400 {
            fleet.passes(.milliseconds(100))
            most = max(most, fleet.pool.used)
        }
        #expect(most == 1)
    }

    @Test("agents that are found running take slots of the pool, and none is taken for others until they are gone")
    func recovered() throws {
        let pool = try SlotPool(slots: 1)
        let seat = SharedSlots(pool)
        seat.restart(most: 5)
        var driver = MachineDriver(sharesSlots: true)
        for report in driver.happens(.begin(recovered: ScheduledJob.numbers(0..<2).map(\.id))).slotReports {
            _ = driver.happens(.slots(seat.report(report)))
        }
        #expect(pool.used == 2)
        var other = Stack(pool)
        other.list = ScheduledJob.numbers(10..<12)
        for _ in 0..<20 {
            other.passes(.milliseconds(100))
            other.answerPolls()
        }
        #expect(other.launched.isEmpty)
        #expect(other.driver.machine.status(at: other.driver.now).idleReason == .full)
        seat.leave()
        for _ in 0..<20 {
            if other.seat.takeCall() { other.take(other.driver.happens(.slotsCall)) }
            other.passes(.milliseconds(100))
            other.answerPolls()
        }
        #expect(other.launched.count == 1)
    }
}
