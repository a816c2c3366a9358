#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A job and what the simulator keeps beside it.
struct JobRecord {
    var job: SimulatedJob
    var organization: Int
    /// Where the job stands in its queue; it keeps its place when a reservation expires.
    var position: QueuePosition
    /// The job as a listing shows it, written once.
    var listing: [UInt8]
    /// Whether the queue's list has the job, which may lag behind its state.
    var isInQueueList = false
    /// The tokens that were issued for the job; they die with its reservation, except for the one that acquired it.
    var tokens: [String] = []
    var acquiredWith: String?

    /// The state the job was in at `date`, or `nil` when it was not there yet.
    func state(at date: Date) -> SimulatedJob.State? {
        job.history.last { $0.date <= date }?.state
    }

    mutating func record(_ kind: SimulatedJob.Event.Kind, at date: Date, stack: String? = nil) {
        job.history.append(.init(kind: kind, date: date, state: job.state, stack: stack))
    }
}

/// The order of a listing: oldest first, and jobs of the same instant in the order in which they were added.
struct QueuePosition: Comparable {
    var scheduledAt: Date
    var sequence: Int

    static func < (lhs: QueuePosition, rhs: QueuePosition) -> Bool {
        (lhs.scheduledAt, lhs.sequence) < (rhs.scheduledAt, rhs.sequence)
    }

    /// The position as an opaque `end_cursor`. Microseconds since 1970 are whole numbers, so that it reads back
    /// exactly.
    var cursor: String {
        String(Int64((scheduledAt.timeIntervalSince1970 * 1e6).rounded()), radix: 36) + "-"
            + String(sequence, radix: 36)
    }

    /// Dates lose to rounding what a cursor keeps, so equal microseconds are the same instant here.
    static func isAfter(_ position: QueuePosition, cursor: (microseconds: Int64, sequence: Int)) -> Bool {
        let microseconds = Int64((position.scheduledAt.timeIntervalSince1970 * 1e6).rounded())
        return (microseconds, position.sequence) > (cursor.microseconds, cursor.sequence)
    }

    static func parse(cursor: String) -> (microseconds: Int64, sequence: Int)? {
        let parts = cursor.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let time = Int64(parts[0], radix: 36), let sequence = Int(parts[1], radix: 36) else {
            return nil
        }
        return (time, sequence)
    }
}

/// What the simulator knows of an acquisition token.
struct TokenRecord {
    var job: Int
    var expiresAt: Date
    /// Whether the reservation that it was bound to is over.
    var isRevoked = false
}
