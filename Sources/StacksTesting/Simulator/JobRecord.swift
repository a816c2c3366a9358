#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A job with the simulator's internal state.
struct JobRecord {
    var job: SimulatedJob
    var organization: Int
    /// The index of its queue.
    var queue: Int
    /// The position in the queue, which the job keeps when a reservation expires.
    var position: QueuePosition
    /// The job's JSON in a listing, encoded once.
    var listing: [UInt8]
    /// Whether the queue's list contains the job. It may lag behind the job's state.
    var isInQueueList = false
    /// The tokens issued for the job. They are revoked with its reservation, except for the one that acquired it.
    var tokens: [String] = []
    /// Whether the stack has given its reservation back, by making it shorter.
    var isGivenBack = false
    /// Reservations that expired without having been of use.
    var unusedReservations = 0
    /// Whether the last reservation was one of them.
    var lastReservationWasUnused = false
    /// Who acquired the job.
    var holder: JobHolder?

    /// The state of the job at `date`, or `nil` before it was created.
    func state(at date: Date) -> SimulatedJob.State? {
        job.history.last { $0.date <= date }?.state
    }
}

/// The position of a job in a listing: oldest first, jobs of the same instant in the order in which they were added.
struct QueuePosition: Comparable {
    var scheduledAt: Date
    var sequence: Int

    static func < (lhs: QueuePosition, rhs: QueuePosition) -> Bool {
        (lhs.scheduledAt, lhs.sequence) < (rhs.scheduledAt, rhs.sequence)
    }

    /// The position as an opaque `end_cursor`. It contains integers, so that parsing it is exact.
    var cursor: String {
        String(microseconds, radix: 36) + "-" + String(sequence, radix: 36)
    }

    /// The time since 1970, as far as it can be counted: a test's clock can be moved to any time.
    private var microseconds: Int64 {
        let microseconds = (scheduledAt.timeIntervalSince1970 * 1e6).rounded()
        return Int64(exactly: microseconds) ?? (microseconds < 0 ? .min : .max)
    }

    /// Whether `position` is after a cursor. Dates are rounded, so equal microseconds count as the same instant.
    static func isAfter(_ position: QueuePosition, cursor: (microseconds: Int64, sequence: Int)) -> Bool {
        (position.microseconds, position.sequence) > (cursor.microseconds, cursor.sequence)
    }

    static func parse(cursor: String) -> (microseconds: Int64, sequence: Int)? {
        // The last one: the time before 1970 is negative.
        guard let hyphen = cursor.lastIndex(of: "-"), let time = Int64(cursor[..<hyphen], radix: 36),
            let sequence = Int(cursor[cursor.index(after: hyphen)...], radix: 36)
        else { return nil }
        return (time, sequence)
    }
}

/// Who acquires a job and speaks for it.
enum JobHolder: Hashable {
    /// The bearer of the job's acquisition token, without registering an agent.
    case token(String)
    /// A registered agent, by its index.
    case agent(Int)
}

/// The simulator's state of an acquisition token.
struct TokenRecord {
    var job: Int
    var expiresAt: Date
    /// Whether the reservation that it was bound to has ended.
    var isRevoked = false
    /// The index of the agent that registered with it.
    var agent: Int?
}
