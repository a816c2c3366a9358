import StacksTransport
import Synchronization

/// The slots that the stacks of one process share: what the machine can run at a time.
///
/// Give the same pool to several ``StackController``s, and run them as a ``StackFleet``: <doc:SeveralQueues> has an example.
///
/// A free slot goes to the job of the highest priority among the queues of all stacks, and between equal ones to the stacks
/// in turn. A stack never has more than its ``StackController/Configuration/maximumInFlight``, and its
/// ``StackController/Configuration/minimumSlots`` are kept for it whatever others want.
public final class SlotPool: Sendable {
    /// The most slots that a pool can have.
    public static let maximumSlots = 1_000_000

    private struct State {
        var allocation: SlotAllocation
        /// How each stack is told that there is something for it.
        var calls: [SlotAllocation.ID: @Sendable () -> Void] = [:]
    }

    private let state: Mutex<State>

    /// A pool with `slots` slots.
    ///
    /// - Throws: `ConfigurationError` when that is negative, or more than ``maximumSlots``.
    public init(slots: Int) throws {
        try Self.check(slots)
        state = Mutex(State(allocation: SlotAllocation(total: slots)))
    }

    /// How many slots there are.
    public var slots: Int { state.withLock { $0.allocation.total } }

    /// How many of them are taken by jobs or promised to a stack. More than ``slots`` after the pool was made smaller, until
    /// jobs have ended.
    public var used: Int { state.withLock { $0.allocation.used } }

    /// Changes how many slots there are, while stacks run.
    ///
    /// No running job is stopped: when there are fewer than are taken, none is given away until enough jobs have ended. When
    /// they are fewer than what is kept for the stacks, the stacks share them.
    ///
    /// - Throws: `ConfigurationError` when `slots` is negative, or more than ``maximumSlots``.
    public func resize(to slots: Int) throws {
        try Self.check(slots)
        change { $0.allocation.resize(slots) }
    }

    private static func check(_ slots: Int) throws {
        guard (0...maximumSlots).contains(slots) else {
            throw ConfigurationError("A pool has from 0 to \(maximumSlots) slots, not \(slots)")
        }
    }

    // MARK: For controllers

    /// Takes a stack in. `call` is made whenever the stack is to report.
    ///
    /// - Throws: `ConfigurationError` when more would be kept for the stacks than there is.
    func join(least: Int, most: Int, call: @escaping @Sendable () -> Void) throws -> SlotAllocation.ID {
        try state.withLock { state in
            let kept = state.allocation.least
            let total = state.allocation.total
            guard least <= max(0, total - kept) else {
                throw ConfigurationError(
                    "minimumSlots of the stacks that share a pool add up to \(kept.addingSaturating(least)), and it has "
                        + "\(total) slots")
            }
            let id = state.allocation.join(least: least, most: most)
            state.calls[id] = call
            return id
        }
    }

    /// The stack takes no further jobs: nothing is kept for it.
    func keepNothing(for id: SlotAllocation.ID) { change { $0.allocation.keepNothing(for: id) } }

    func leave(_ id: SlotAllocation.ID) {
        change { state in
            state.allocation.leave(id)
            state.calls[id] = nil
        }
    }

    func report(_ id: SlotAllocation.ID, _ report: SlotAllocation.Report) -> SlotAllocation.Grant {
        change { $0.allocation.report(id, report) }
    }

    /// Changes something, and calls those for whom there is something then, without the lock.
    private func change<Value>(_ change: (inout State) -> Value) -> Value {
        let (value, calls) = state.withLock { state in
            let value = change(&state)
            return (value, state.allocation.takeCalled().compactMap { state.calls[$0] })
        }
        for call in calls { call() }
        return value
    }
}
