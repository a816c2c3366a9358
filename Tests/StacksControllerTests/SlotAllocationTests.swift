import Testing

@testable import StacksController

@Suite("Slots that stacks share")
struct SlotAllocationTests {
    private typealias Demand = SlotAllocation.Demand

    @Test("a stack's least and most can change, and nothing is kept for one that leaves")
    func changingLimits() {
        var stacks = Stacks(slots: 3, [(2, 3), (0, 3)])
        #expect(stacks.want(1, [1, 1, 1]) == 1)
        stacks.reports[stacks.ids[0]]?.least = 1
        stacks.report(0)
        stacks.answerCalls()
        #expect(stacks.reports[stacks.ids[1]]?.occupied == 2)
        stacks.pool.keepNothing(for: stacks.ids[0])
        // What it still reports does not count.
        stacks.report(0)
        stacks.answerCalls()
        #expect(stacks.reports[stacks.ids[1]]?.occupied == 3)
        stacks.reports[stacks.ids[1]]?.most = 1
        #expect(stacks.end(1, 2) == [0, 0])
        #expect(stacks.want(1, [1]) == 0)
    }

    /// A pool whose stacks take what they are given at once.
    private struct Stacks {
        var pool: SlotAllocation
        var ids: [SlotAllocation.ID] = []
        var reports: [SlotAllocation.ID: SlotAllocation.Report] = [:]

        init(slots: Int, _ limits: [(least: Int, most: Int)]) {
            pool = SlotAllocation(total: slots)
            for limit in limits {
                let id = pool.join(least: limit.least, most: limit.most)
                ids.append(id)
                reports[id] = SlotAllocation.Report(canBid: true, isBid: true)
            }
        }

        /// The jobs, by priority, for which the stack wants a slot; how many it takes at once.
        @discardableResult
        mutating func want(_ stack: Int, _ priorities: [Int]) -> Int {
            let counts = Dictionary(priorities.map { ($0, 1) }, uniquingKeysWith: +)
            reports[ids[stack]]?.demand = counts.sorted { $0.key > $1.key }
                .map { Demand(priority: $0.key, count: $0.value) }
            return report(stack)
        }

        /// Reports, and takes what is given for the best jobs.
        @discardableResult
        mutating func report(_ stack: Int) -> Int {
            let id = ids[stack]
            guard let report = reports[id] else { return 0 }
            let granted = pool.report(id, report).granted
            guard granted > 0 else { return 0 }
            reports[id]?.occupied += granted
            reports[id]?.taken += granted
            var rest = granted
            reports[id]?.demand = report.demand.compactMap { demand in
                let used = min(rest, demand.count)
                rest -= used
                return demand.count > used ? Demand(priority: demand.priority, count: demand.count - used) : nil
            }
            _ = pool.report(id, reports[id] ?? report)
            return granted
        }

        /// Jobs end; then everybody who is called reports. Who has got how many slots by that.
        mutating func end(_ stack: Int, _ jobs: Int = 1) -> [Int] {
            let before = ids.map { reports[$0]?.taken ?? 0 }
            reports[ids[stack]]?.occupied -= jobs
            report(stack)
            answerCalls()
            return zip(ids, before).map { (reports[$0]?.taken ?? 0) - $1 }
        }

        mutating func answerCalls() {
            while case let called = pool.takeCalled(), !called.isEmpty {
                for id in called { if let stack = ids.firstIndex(of: id) { report(stack) } }
            }
        }
    }

    @Test("no more slots are given than there are, and no stack gets more than its most")
    func limits() {
        var stacks = Stacks(slots: 5, [(0, 2), (0, 10)])
        #expect(stacks.want(0, [0, 0, 0, 0]) == 2)
        #expect(stacks.want(1, [0, 0, 0, 0]) == 3)
        #expect(stacks.pool.used == 5)
        #expect(stacks.end(1) == [0, 1])
    }

    @Test("a free slot goes to the job of the highest priority, whichever stack had it before")
    func priority() {
        var stacks = Stacks(slots: 1, [(0, 1), (0, 1), (0, 1)])
        #expect(stacks.want(0, [0, 0, 0]) == 1)
        #expect(stacks.want(1, [5]) == 0)
        #expect(stacks.want(2, [9, 1]) == 0)
        #expect(stacks.end(0) == [0, 0, 1])
        #expect(stacks.end(2) == [0, 1, 0])
        #expect(stacks.end(1) == [0, 0, 1])
        #expect(stacks.end(2) == [1, 0, 0])
    }

    @Test("jobs of one priority get slots in turn, so that a stack under constant load starves no other")
    func turns() {
        var stacks = Stacks(slots: 1, [(0, 1), (0, 1), (0, 1)])
        for stack in 0..<3 { stacks.want(stack, Array(repeating: 0, count: 100)) }
        var order: [Int] = [0]
        for _ in 0..<8 {
            let got = stacks.end(order[order.count - 1])
            order.append(got.firstIndex(of: 1) ?? -1)
        }
        #expect(order == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    }

    @Test("what is kept for a stack is there when it wants it, and nobody else's")
    func kept() {
        var stacks = Stacks(slots: 4, [(2, 4), (0, 4)])
        #expect(stacks.want(1, [9, 9, 9, 9]) == 2)
        #expect(stacks.want(0, [-5, -5, -5]) == 2)
        // Beyond what is kept it is as any other.
        #expect(stacks.end(1) == [0, 1])
        #expect(stacks.end(0) == [1, 0])
    }

    @Test("a slot that was given and is not wanted any more goes to the others, and the turn is not lost")
    func unused() {
        var stacks = Stacks(slots: 1, [(0, 1), (0, 1)])
        var report = SlotAllocation.Report(demand: [Demand(priority: 0, count: 1)], canBid: true, isBid: true)
        #expect(stacks.pool.report(stacks.ids[0], report).granted == 1)
        stacks.reports[stacks.ids[1]]?.demand = [Demand(priority: 0, count: 1)]
        #expect(stacks.report(1) == 0)
        // It says the same again, with nothing used: it is still its turn.
        #expect(stacks.pool.report(stacks.ids[0], report).granted == 1)
        report.demand = []
        #expect(stacks.pool.report(stacks.ids[0], report).granted == 0)
        #expect(stacks.pool.takeCalled() == [stacks.ids[1]])
        #expect(stacks.report(1) == 1)
    }

    @Test("whoever could use a slot is asked first what for, and it is given when all have said so")
    func bids() {
        var stacks = Stacks(slots: 1, [(0, 1), (0, 1), (0, 1)])
        #expect(stacks.want(0, [3, 3]) == 1)
        for stack in [1, 2] { stacks.want(stack, []) }
        stacks.reports[stacks.ids[0]]?.occupied = 0
        let own = stacks.pool.report(stacks.ids[0], stacks.reports[stacks.ids[0]] ?? .init())
        #expect(own.granted == 0)
        #expect(own.available == 1)
        #expect(stacks.pool.takeCalled() == [stacks.ids[1], stacks.ids[2]])
        // The second has to look at its list first.
        stacks.reports[stacks.ids[1]]?.isBid = false
        let waiting = stacks.pool.report(stacks.ids[1], stacks.reports[stacks.ids[1]] ?? .init())
        #expect(waiting.owesBid)
        #expect(stacks.want(2, [4]) == 0)
        stacks.reports[stacks.ids[1]]?.isBid = true
        #expect(stacks.want(1, [99]) == 1)
    }

    @Test("one that can use nothing, or leaves, keeps nobody waiting")
    func unable() {
        var stacks = Stacks(slots: 1, [(0, 1), (0, 1), (0, 1)])
        stacks.want(0, [0, 0])
        for stack in [1, 2] {
            stacks.reports[stacks.ids[stack]]?.isBid = false
            stacks.want(stack, [])
        }
        #expect(stacks.end(0) == [0, 0, 0])
        stacks.reports[stacks.ids[1]]?.canBid = false
        stacks.report(1)
        stacks.pool.leave(stacks.ids[2])
        #expect(stacks.pool.takeCalled() == [stacks.ids[0]])
        #expect(stacks.report(0) == 1)
    }

    @Test("a pool that is made smaller takes nothing away, and gives nothing until there is room")
    func shrinks() {
        var stacks = Stacks(slots: 4, [(0, 4), (1, 4)])
        #expect(stacks.want(0, [0, 0, 0, 0, 0, 0]) == 3)
        #expect(stacks.want(1, [0, 0]) == 1)
        stacks.pool.resize(2)
        #expect(stacks.pool.used == 4)
        #expect(stacks.end(0, 2) == [0, 0])
        #expect(stacks.end(0) == [1, 0])
        stacks.pool.resize(4)
        stacks.answerCalls()
        #expect(stacks.pool.used == 4)
    }

    @Test("where less is left than is kept for the stacks, they share it")
    func overcommitted() {
        var stacks = Stacks(slots: 4, [(2, 4), (2, 4)])
        stacks.pool.resize(1)
        #expect(stacks.want(0, [0, 0]) == 1)
        #expect(stacks.want(1, [0, 0]) == 0)
        #expect(stacks.end(0) == [0, 1])
        #expect(stacks.end(1) == [1, 0])
    }

    @Test("numbers as large as there are")
    func large() {
        var stacks = Stacks(slots: .max, [(.max, .max), (.max, .max)])
        #expect(stacks.want(0, [0, 1]) == 2)
        #expect(stacks.want(1, [0, 1]) == 2)
        #expect(stacks.pool.used == 4)
    }
}
