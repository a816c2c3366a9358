import Synchronization

@testable import StacksController

/// A world's place in a pool of slots that it shares with other worlds.
final class SharedSlots: Sendable {
    private let pool: SlotPool
    private let seat: Mutex<SlotAllocation.ID?>
    private let isCalled = Mutex(false)

    init(_ pool: SlotPool) {
        self.pool = pool
        seat = Mutex(nil)
    }

    /// A controller begins; the one before it, if there was one, has died.
    func restart(least: Int = 0, most: Int) {
        leave()
        let id = try? pool.join(least: least, most: most) { [weak self] in self?.isCalled.withLock { $0 = true } }
        seat.withLock { $0 = id }
    }

    func report(_ report: SlotAllocation.Report) -> SlotAllocation.Grant {
        guard let id = seat.withLock({ $0 }) else { return .init() }
        isCalled.withLock { $0 = false }
        return pool.report(id, report)
    }

    func keepNothing() {
        if let id = seat.withLock({ $0 }) { pool.keepNothing(for: id) }
    }

    func leave() {
        guard let id = seat.withLock({ $0.take() }) else { return }
        pool.leave(id)
    }

    func takeCall() -> Bool {
        isCalled.withLock { isCalled in
            defer { isCalled = false }
            return isCalled
        }
    }
}

/// Several moody worlds, each with a controller of its own, that share a pool of slots. Its size changes, and so do the
/// configurations of the controllers; some are drained before their jobs have run.
struct FleetWorld {
    enum Change {
        case resize(Int)
        case configure(stack: Int, RandomWorld.Settings)
        case drain(stack: Int)
    }

    private let pool: SlotPool
    private let seats: [SharedSlots]
    private(set) var worlds: [RandomWorld]
    /// What somebody does to the pool and to the stacks, the next last.
    private var changes: [(time: Duration, what: Change)]
    private static let never = Duration.seconds(Int64.max)

    private var now: Duration = .zero
    /// When something happens next in each world.
    private var times: [Duration] = []
    private(set) var violations: [String] = []
    /// How often a stack was called because there was something for it.
    private(set) var calls = 0
    /// How often a stack that was not over has got another configuration, or was drained.
    private(set) var reconfigurations = 0
    private(set) var drains = 0

    init(seed: UInt64, keepsStory: Bool = false) throws {
        var random = Jitter(seed: seed)
        let slots = Int(random.next(in: 1..<12))
        let pool = try SlotPool(slots: slots)
        self.pool = pool
        let count = Int(random.next(in: 2..<5))
        seats = (0..<count).map { _ in SharedSlots(pool) }
        worlds = seats.enumerated().map { number, seat in
            RandomWorld(seed: seed &* 8 &+ UInt64(number), keepsStory: keepsStory, pool: seat)
        }
        changes = []
        for _ in 0..<Int(random.next(in: 0..<4)) {
            changes.append((.seconds(1) * random.next(in: 0..<300), .resize(Int(random.next(in: 0..<14)))))
        }
        // It ends with slots, or nothing would.
        if !changes.isEmpty { changes.append((.seconds(300), .resize(slots))) }
        for stack in 0..<count {
            for _ in 0..<Int(random.next(in: 0..<4)) {
                let settings = RandomWorld.Settings(&random)
                changes.append((.seconds(1) * random.next(in: 0..<300), .configure(stack: stack, settings)))
            }
            // It ends with a configuration that every job matches.
            var last = RandomWorld.Settings(&random)
            last.matchesAll = true
            changes.append((.seconds(300), .configure(stack: stack, last)))
        }
        if random.next(in: 0..<1) < 0.4 {
            let stack = Int(random.next(in: 0..<Double(count)))
            changes.append((.seconds(1) * random.next(in: 0..<200), .drain(stack: stack)))
        }
        changes.sort { $0.time > $1.time }
    }

    mutating func run() throws {
        for index in worlds.indices { worlds[index].begin() }
        times = worlds.map(\.nextTime)
        while violations.isEmpty, let index = times.indices.min(by: { times[$0] < times[$1] }) {
            let (before, lives) = (occupied, restarts)
            let time = times[index]
            if time == Self.never { break }
            if let change = changes.last, change.time <= time {
                changes.removeLast()
                now = max(now, change.time)
                try make(change.what)
            } else {
                now = max(now, time)
                worlds[index].proceed()
                times[index] = nextTime(index)
            }
            answerCalls()
            // What a controller finds running when it starts is there, whatever the pool says.
            if occupied > before, occupied > pool.slots, lives == restarts {
                violations.append("\(occupied) slots of \(pool.slots) are taken at \(now), \(before) were before")
            }
        }
        for index in worlds.indices {
            worlds[index].conclude()
            violations += worlds[index].violations.map { "stack \(index): \($0)" }
        }
        if pool.used != 0 { violations.append("\(pool.used) slots are lost") }
    }

    private mutating func make(_ change: Change) throws {
        switch change {
        case .resize(let slots): try pool.resize(to: slots)
        case .configure(let stack, let settings):
            if worlds[stack].isGoingOn { reconfigurations += 1 }
            worlds[stack].isConfigured(settings, at: now)
            times[stack] = nextTime(stack)
        case .drain(let stack):
            if worlds[stack].isGoingOn { drains += 1 }
            seats[stack].keepNothing()
            worlds[stack].isDrained(at: now)
            times[stack] = nextTime(stack)
        }
    }

    private var occupied: Int { worlds.reduce(0) { $0 + $1.occupied } }

    private var restarts: Int { worlds.reduce(0) { $0 + $1.restarts } }

    private func nextTime(_ index: Int) -> Duration {
        worlds[index].isGoingOn ? worlds[index].nextTime : Self.never
    }

    private mutating func answerCalls() {
        var isAnyCalled = true
        while isAnyCalled {
            isAnyCalled = false
            for index in worlds.indices where seats[index].takeCall() {
                calls += 1
                isAnyCalled = true
                worlds[index].isCalled(at: now)
                times[index] = nextTime(index)
            }
        }
    }
}
