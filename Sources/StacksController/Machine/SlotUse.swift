import StacksAPI

/// How many slots the stack's jobs may take: those of its configuration, or what a pool gives it.
///
/// With a pool, the stack reports what it uses and wants whenever that changes. Each report returns every slot that it was given
/// and has not used, and the pool gives anew: so a slot that becomes free is the pool's, whoever had it.
struct SlotUse {
    /// How long a bid may take: the list is read for it.
    private static let longestBid = Duration.milliseconds(500)

    /// Whether a pool gives the slots.
    let isShared: Bool
    /// How many slots the pool has given for the last report.
    private var granted = 0
    /// How many jobs had ever taken a slot by then.
    private var takenBefore = 0
    /// How many more it could get, as of its last report.
    private var available = 0
    private var lastReport: SlotAllocation.Report?
    /// Whether to report even if nothing has changed.
    var mustReport = true
    /// When the pool, which waits for this stack's bid, is told what is known then.
    private(set) var bidBy: Duration?

    init(isShared: Bool) { self.isShared = isShared }

    /// How many more jobs may be reserved now.
    func free(_ ledger: JobLedger, most: Int) -> Int {
        let free = max(0, most - ledger.occupied)
        return isShared ? min(free, max(0, granted - (ledger.taken - takenBefore))) : free
    }

    /// How many more could be reserved if jobs for them were known: what it has, or what the pool could give.
    func reachable(_ ledger: JobLedger, most: Int) -> Int {
        let free = free(ledger, most: most)
        return isShared ? max(free, min(available, max(0, most - ledger.occupied))) : free
    }

    /// Of which priorities the best `count` jobs are that were reported last, the highest first.
    func lastDemand(_ count: Int) -> [SlotAllocation.Demand] {
        var (demand, rest) = ([SlotAllocation.Demand](), count)
        for line in lastReport?.demand ?? [] where rest > 0 {
            demand.append(.init(priority: line.priority, count: min(rest, line.count)))
            rest -= line.count
        }
        return demand
    }

    /// What is to be reported, if anything. What was given and is not used goes back with it, so that nothing is left.
    mutating func report(_ report: SlotAllocation.Report) -> SlotAllocation.Report? {
        guard isShared, mustReport || report != lastReport else { return nil }
        (mustReport, lastReport) = (false, report)
        (granted, takenBefore) = (0, report.taken)
        if report.isBid || !report.canBid { bidBy = nil }
        return report
    }

    /// What the pool gives for the report just made.
    mutating func received(_ grant: SlotAllocation.Grant, at now: Duration) {
        granted = grant.granted
        available = grant.available
        bidBy = grant.owesBid ? bidBy ?? now + Self.longestBid : nil
    }
}
