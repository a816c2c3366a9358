/// Which stack of a pool gets a slot that is free.
///
/// A pure value: stacks report what they use and want, and collect what they are given with a report of their own. A slot
/// goes to the stack whose best job has the highest priority, and between equal ones in turn. Each stack's `least` is kept
/// free for it, whatever others want.
///
/// When a slot becomes free, what others know of their queues may be old: while no slot is free a stack reads no more than
/// the head of its list. So every stack that could use the slot is asked for a bid first, and the slot is given once all have
/// bid. A stack must bid within a bounded time, with what it knows by then.
struct SlotAllocation {
    /// A stack of the pool.
    struct ID: Hashable, Comparable {
        fileprivate var number: Int
        static func < (one: ID, other: ID) -> Bool { one.number < other.number }
    }

    /// So many jobs of one priority.
    struct Demand: Hashable {
        var priority: Int
        var count: Int
    }

    /// What a stack uses and wants.
    struct Report: Hashable {
        /// How many slots are to be kept for the stack, and how many it may have; `nil` for what it has said before.
        var least: Int?
        var most: Int?
        /// The slots that its jobs take.
        var occupied = 0
        /// How many slots its jobs have ever taken.
        var taken = 0
        /// The jobs that it could start, by falling priority.
        var demand: [Demand] = []
        /// Whether it would read its list if a slot were free.
        var canBid = false
        /// Whether this counts as a bid: the demand is that of its list as it is now, or it is all that can be found out in time.
        var isBid = false
    }

    /// What a stack gets for a report.
    struct Grant: Hashable {
        /// Slots for its jobs, on top of those that they take.
        var granted = 0
        /// How many it could get now if it wanted them.
        var available = 0
        /// Whether the pool waits for its bid.
        var owesBid = false
    }

    private struct Member {
        var least: Int
        var most: Int
        var report = Report()
        /// Slots that it was given with its last report, and has not used as far as is known.
        var granted = 0
        /// Slots that are kept for it until it collects them.
        var offered = 0
        var owesBid = false
        /// Whether the stack takes no further jobs, so that nothing is kept for it.
        var isLeaving = false
        /// The number of its last grant.
        var turn: Int
        /// What that was before its unused grants: it is restored when they go back.
        var previousTurn: Int

        var used: Int { report.occupied + granted + offered }
        var wanted: Int { report.demand.reduce(0) { $0.addingSaturating($1.count) } }
        /// The priority of the best job that has no slot yet.
        var nextPriority: Int? {
            var passed = granted + offered
            for demand in report.demand {
                if passed < demand.count { return demand.priority }
                passed -= demand.count
            }
            return nil
        }

        mutating func collect() {
            granted += offered
            offered = 0
        }
    }

    /// How many slots there are.
    private(set) var total: Int
    private var members: [ID: Member] = [:]
    private var lastNumber = 0
    private var lastTurn = 0
    /// Who is to report: it has an offer to collect, or owes a bid.
    private var called: Set<ID> = []

    init(total: Int) { self.total = total }

    /// How many slots are taken or promised.
    var used: Int { members.values.reduce(0) { $0.addingSaturating($1.used) } }

    /// How many slots are kept for the stacks, taken or not.
    var least: Int { members.values.reduce(0) { $0.addingSaturating($1.least) } }

    // MARK: Changes

    mutating func join(least: Int, most: Int) -> ID {
        lastNumber += 1
        let id = ID(number: lastNumber)
        // The newest is served last.
        lastTurn += 1
        members[id] = Member(least: least, most: most, turn: lastTurn, previousTurn: lastTurn)
        return id
    }

    /// Nothing is kept for the stack any more: it takes no further jobs.
    mutating func keepNothing(for id: ID) {
        let before = available()
        members[id]?.isLeaving = true
        members[id]?.least = 0
        serve(before: before)
    }

    mutating func leave(_ id: ID) {
        let before = available()
        members[id] = nil
        called.remove(id)
        serve(before: before)
    }

    mutating func resize(_ total: Int) {
        let before = available()
        self.total = total
        serve(before: before)
    }

    /// Takes a report in. Slots that the stack was given and has not used go back first: it gets them again if it is still
    /// the one to have them.
    mutating func report(_ id: ID, _ report: Report) -> Grant {
        guard var member = members[id] else { return Grant() }
        let before = available()
        called.remove(id)
        let unused = max(0, member.granted - max(0, report.taken - member.report.taken))
        // What was given and not used has been nobody's turn.
        if member.granted > 0, unused == member.granted { member.turn = member.previousTurn }
        if member.offered == 0 { member.previousTurn = member.turn }
        member.report = report
        if let least = report.least, !member.isLeaving { member.least = least }
        if let most = report.most { member.most = most }
        member.granted = min(member.offered, member.wanted, max(0, member.most - report.occupied))
        member.offered = 0
        if report.isBid || !report.canBid { member.owesBid = false }
        members[id] = member
        // What it had was bid for already.
        give(unused, reporter: id)
        serve(before: before, reporter: id)
        members[id]?.collect()
        return Grant(
            granted: members[id]?.granted ?? 0, available: room(id), owesBid: members[id]?.owesBid ?? false)
    }

    /// Who is to report, because there is something for it; each is named once.
    mutating func takeCalled() -> [ID] {
        defer { called = [] }
        return called.sorted()
    }

    // MARK: Serving

    /// How many more slots the stack could get if it wanted them.
    private func room(_ id: ID) -> Int {
        guard let member = members[id] else { return 0 }
        let free = max(0, total - used)
        let shared = max(0, total - kept)
        let own = max(0, member.least - member.used)
        return min(free, max(0, member.most - member.used), own.addingSaturating(shared))
    }

    /// How many slots are taken, promised, or kept free for a stack.
    private var kept: Int { members.values.reduce(0) { $0.addingSaturating(max($1.least, $1.used)) } }

    private func available() -> [ID: Int] {
        var rooms: [ID: Int] = [:]
        for id in members.keys { rooms[id] = room(id) }
        return rooms
    }

    /// Asks for bids where there is room that was not there before, and gives away what is free once nobody owes one.
    private mutating func serve(before: [ID: Int], reporter: ID? = nil) {
        for (id, member) in members where member.report.canBid && before[id] == 0 && room(id) > 0 {
            if id == reporter, member.report.isBid { continue }
            members[id]?.owesBid = true
            if id != reporter { called.insert(id) }
        }
        guard !members.values.contains(where: { $0.owesBid }) else { return }
        give(.max, reporter: reporter)
    }

    /// Gives away as many slots as are free and wanted, at most `limit`.
    private mutating func give(_ limit: Int, reporter: ID?) {
        var rest = limit
        while rest > 0, let next = members.keys.filter({ mayHave($0) }).min(by: { comesBefore($0, $1) }) {
            rest -= 1
            lastTurn += 1
            members[next]?.turn = lastTurn
            members[next]?.offered += 1
            if next != reporter { called.insert(next) }
        }
    }

    private func mayHave(_ id: ID) -> Bool { members[id]?.nextPriority != nil && room(id) > 0 }

    /// What is kept for a stack comes first, then the better job, then whose turn it is.
    private func comesBefore(_ one: ID, _ other: ID) -> Bool {
        guard let first = members[one], let second = members[other] else { return false }
        let (isFirstKept, isSecondKept) = (first.used < first.least, second.used < second.least)
        if isFirstKept != isSecondKept { return isFirstKept }
        let (a, b) = (first.nextPriority ?? .min, second.nextPriority ?? .min)
        if a != b { return a > b }
        return (first.turn, one) < (second.turn, other)
    }
}

extension Int {
    /// The sum, or the largest number there is.
    func addingSaturating(_ other: Int) -> Int {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? .max : sum
    }
}
