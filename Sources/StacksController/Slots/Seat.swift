/// A running controller's place in a pool of slots.
struct Seat: Sendable {
    private let pool: SlotPool
    private let id: SlotAllocation.ID

    /// - Throws: `ConfigurationError` when more would be kept for the stacks than there is.
    init(in pool: SlotPool, _ configuration: StackController.Configuration, _ mailbox: Mailbox) throws {
        self.pool = pool
        id = try pool.join(least: configuration.minimumSlots, most: configuration.maximumInFlight) {
            mailbox.post(.slotsCall)
        }
    }

    func report(_ report: SlotAllocation.Report) -> SlotAllocation.Grant { pool.report(id, report) }

    /// The stack takes no further jobs, and has those of the ledger until it leaves: nobody waits for its bid.
    func bidsNoMore(_ ledger: JobLedger) {
        keepNothing()
        _ = pool.report(id, .init(least: 0, occupied: ledger.occupied, taken: ledger.taken))
    }

    /// The stack takes no further jobs: nothing is kept for it.
    func keepNothing() { pool.keepNothing(for: id) }

    /// Everything that the stack had is free. Its jobs must have ended.
    func leave() { pool.leave(id) }
}
