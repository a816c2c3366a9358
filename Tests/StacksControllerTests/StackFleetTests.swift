import Logging
import StacksAPI
import StacksController
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@Suite("Several stacks that share slots")
struct StackFleetTests {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Stacks `a`, `b`, … of queues of the same name on one simulator.
    private func stacks(
        _ names: [String], slots: SlotPool?, mode: StackController.Configuration.Mode = .continuous,
        behavior: SimulatedAgents.Behavior = .init { try await $0.work() },
        configure: (String, inout StackController.Configuration) -> Void = { _, _ in }
    ) throws -> [SimulatedStack] {
        var stacks: [SimulatedStack] = []
        for name in names {
            let stack = try SimulatedStack(
                mode: mode, sharing: stacks.first, slots: slots, behavior: behavior,
                prepare: { $0.addQueue(name) },
                configure: {
                    ($0.stackKey, $0.queue) = (name, QueueKey(name))
                    configure(name, &$0)
                })
            stacks.append(stack)
        }
        return stacks
    }

    @Test("no more agents run than there are slots, every job is run, and no slot is lost", .timeLimit(.minutes(5)))
    func total() async throws {
        let pool = try SlotPool(slots: 3)
        let agents = Mutex((current: 0, most: 0))
        let stacks = try stacks(
            ["a", "b", "c"], slots: pool,
            behavior: .init { agent in
                agents.withLock { agents in
                    agents.current += 1
                    agents.most = max(agents.most, agents.current)
                }
                defer { agents.withLock { $0.current -= 1 } }
                return try await agent.work()
            })
        for name in ["a", "b", "c"] { stacks[0].simulator.addJobs(20, queue: name) }
        let fleet = try StackFleet(stacks.map(\.controller), logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await fleet.run() }
            try await stacks[0].until { $0.report.finished == 60 }
            #expect(Set(fleet.statuses.keys) == ["a", "b", "c"])
            fleet.drain()
            try await group.waitForAll()
        }
        #expect(agents.withLock { $0.most } == 3)
        #expect(stacks[0].simulator.report.launchedTwice == 0)
        #expect(pool.used == 0)
        #expect(!fleet.liveness().isGood)
    }

    @Test("the end of one stack is not that of the others, and is told at the end", .timeLimit(.minutes(5)))
    func independence() async throws {
        let pool = try SlotPool(slots: 2)
        var stacks = try stacks(["a", "b"], slots: pool)
        let refused = try SimulatedStack(
            mode: .continuous, token: "not-this", sharing: stacks[0], slots: pool,
            configure: { ($0.stackKey, $0.minimumSlots) = ("refused", 1) })
        stacks.append(refused)
        let fleet = try StackFleet(stacks.map(\.controller), logger: logger)
        let failures = try await withThrowingTaskGroup(of: [String: any Error].self) { group in
            group.addTask {
                do { try await fleet.run() } catch let error as StackFleetError { return error.failures }
                return [:]
            }
            try await wait { fleet.statuses["refused"]?.phase == .ended }
            #expect(fleet.liveness().isGood)
            #expect(fleet.readiness().reason.contains("refused: the controller is ended"))
            // What was kept for it is theirs.
            for name in ["a", "b"] { stacks[0].simulator.addJobs(5, queue: name) }
            try await stacks[0].until { $0.report.finished == 10 }
            fleet.drain()
            return try await group.next() ?? [:]
        }
        #expect(failures.keys.sorted() == ["refused"])
        #expect((failures["refused"] as? StackControllerError)?.code == .unauthorized)
        #expect(pool.used == 0)
    }

    @Test("a pool can grow and shrink while its stacks run", .timeLimit(.minutes(5)))
    func resized() async throws {
        let pool = try SlotPool(slots: 0)
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let stacks = try stacks(
            ["a", "b"], slots: pool,
            behavior: .init { agent in
                for await _ in gate { break }
                return try await agent.work()
            })
        for name in ["a", "b"] { stacks[0].simulator.addJobs(4, queue: name) }
        let fleet = try StackFleet(stacks.map(\.controller), logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await fleet.run() }
            try await wait { stacks.allSatisfy { $0.controller.status.current.waiting > 0 } }
            #expect(stacks.allSatisfy { $0.controller.status.idleReason == .full })
            try pool.resize(to: 3)
            try await wait { stacks.reduce(0) { $0 + $1.agents.counts.current } == 3 }
            try pool.resize(to: 1)
            open.yield()
            try await stacks[0].until { $0.report.finished == 1 }
            open.finish()
            try await stacks[0].until { $0.report.finished == 8 }
            fleet.drain()
            try await group.waitForAll()
        }
        #expect(pool.used == 0)
    }

    @Test("stacks come and go while others run: no job of theirs is stopped", .timeLimit(.minutes(5)))
    func comeAndGo() async throws {
        let pool = try SlotPool(slots: 4)
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let stacks = try stacks(["a", "b"], slots: pool) { $1.minimumSlots = 2 }
        let held = try SimulatedStack(
            mode: .continuous, sharing: stacks[0], slots: pool,
            behavior: .init { agent in
                for await _ in gate { break }
                return try await agent.work()
            },
            prepare: { $0.addQueue("c") },
            configure: { ($0.stackKey, $0.queue) = ("c", "c") })
        let successor = try SimulatedStack(
            mode: .continuous, sharing: stacks[0], slots: pool,
            configure: { ($0.stackKey, $0.queue, $0.minimumSlots) = ("c", "c", 2) })
        let fleet = try StackFleet([stacks[0].controller, held.controller], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await fleet.run() }
            stacks[0].simulator.addJobs(1, queue: "c")
            try await wait { held.controller.status.current.launching == 1 }

            // It comes.
            try fleet.add(stacks[1].controller)
            stacks[0].simulator.addJobs(3, queue: "b")
            try await stacks[0].until { $0.report.finished == 3 }
            #expect { try fleet.add(successor.controller) } throws: { "\($0)".contains("the key c") }

            // It goes, and what was kept for it is the next one's, which has its key once it has ended.
            fleet.remove("b")
            try await wait { stacks[1].controller.status.phase == .ended }
            fleet.remove("c")
            try fleet.add(successor.controller)
            stacks[0].simulator.addJobs(1, queue: "c")
            try await wait { held.controller.status.phase == .draining }
            #expect(successor.controller.status.phase == .idle)
            #expect(fleet.readiness().isGood == false && fleet.liveness().isGood)
            open.finish()
            try await stacks[0].until { $0.report.finished == 5 }
            #expect(fleet.controllers.map(\.stackKey) == ["a", "c"])
            #expect(successor.agents.counts.launches.count == 1)

            fleet.drain()
            try await group.waitForAll()
        }
        #expect { try fleet.add(stacks[1].controller) } throws: { "\($0)".contains("The fleet ends") }
        #expect(stacks[0].simulator.report.launchedTwice == 0 && stacks[0].simulator.report.lost == 0)
        #expect(pool.used == 0)
    }

    @Test(
        "a controller that was cancelled keeps the slots of its jobs, and no other stack from those that are free",
        .timeLimit(.minutes(5)))
    func cancelled() async throws {
        let pool = try SlotPool(slots: 2)
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let stubborn = try SimulatedStack(
            mode: .continuous, slots: pool,
            // It goes on when it is cancelled.
            behavior: .init { _ in
                await Task { for await _ in gate {} }.value
                return .success
            },
            prepare: { $0.addQueue("a") },
            configure: { ($0.stackKey, $0.queue) = ("a", "a") })
        let other = try SimulatedStack(
            mode: .continuous, sharing: stubborn, slots: pool, prepare: { $0.addQueue("b") },
            configure: { ($0.stackKey, $0.queue) = ("b", "b") })
        stubborn.simulator.addJobs(1, queue: "a")
        let run = Task { try await stubborn.controller.run() }
        try await wait { stubborn.agents.counts.current == 1 }
        run.cancel()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await other.controller.run() }
            stubborn.simulator.addJobs(3, queue: "b")
            try await stubborn.until { $0.report.finished == 3 }
            #expect(other.agents.counts.most == 1)
            try await wait { pool.used == 1 }
            #expect(stubborn.agents.counts.current == 1)
            open.finish()
            await #expect(throws: CancellationError.self) { try await run.value }
            other.controller.drain()
            try await group.waitForAll()
        }
        #expect(pool.used == 0)
    }

    @Test(
        "a stack that has ended with an error can be replaced, and is then no error of the fleet",
        .timeLimit(.minutes(5)))
    func replaced() async throws {
        let stacks = try stacks(["a", "b"], slots: nil)
        let refused = try SimulatedStack(
            mode: .continuous, token: "not-this", sharing: stacks[0],
            configure: { ($0.stackKey, $0.queue) = ("b", "b") })
        let fleet = try StackFleet([stacks[0].controller, refused.controller], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await fleet.run() }
            try await wait { refused.controller.status.phase == .ended }
            try fleet.add(stacks[1].controller)
            stacks[0].simulator.addJobs(2, queue: "b")
            try await stacks[0].until { $0.report.finished == 2 }
            fleet.drain()
            try await group.waitForAll()
        }
    }

    @Test("a fleet without stacks, two of one key, and slots that cannot be are refused, with the value and the limit")
    func refusals() throws {
        #expect(throws: ConfigurationError.self) { try StackFleet([], logger: logger) }
        let twins = try [SimulatedStack(), SimulatedStack()].map(\.controller)
        #expect { try StackFleet(twins, logger: logger) } throws: { "\($0)".contains("the key stack") }
        #expect { try SlotPool(slots: -1) } throws: { "\($0)".contains("from 0 to 1000000 slots, not -1") }
        #expect { try SlotPool(slots: 2).resize(to: 1_000_001) } throws: { "\($0)".contains("not 1000001") }
        for (least, most) in [(-1, 2), (3, 2)] {
            #expect {
                try SimulatedStack(capacity: most, configure: { $0.minimumSlots = least })
            } throws: {
                "\($0)".contains("minimumSlots must be from 0 to maximumInFlight (2), not \(least)")
            }
        }
    }

    @Test("more than there is cannot be kept for the stacks of a pool", .timeLimit(.minutes(5)))
    func tooMuchIsKept() async throws {
        let pool = try SlotPool(slots: 2)
        let stacks = try stacks(["a", "b"], slots: pool) { $1.minimumSlots = 2 }
        let failures = await #expect(throws: StackFleetError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                let fleet = try StackFleet(stacks.map(\.controller), logger: logger)
                group.addTask { try await fleet.run() }
                for phase in [ControllerStatus.Phase.running, .ended] {
                    try await wait { stacks.contains { $0.controller.status.phase == phase } }
                }
                fleet.drain()
                try await group.waitForAll()
            }
        }
        let message = failures.map { "\($0)" } ?? ""
        #expect(message.contains("minimumSlots of the stacks that share a pool add up to 4, and it has 2 slots"))
    }
}
