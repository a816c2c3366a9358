/// The notifications that wait to be sent: a value that takes them and returns them in batches.
struct OutboxQueue: Sendable {
    enum Admission: Equatable {
        case queued
        /// The job's last notification, which still waits, has the same text.
        case merged
        /// There is no room.
        case full
        /// The job has had its maximum of notifications.
        case overLimit
    }

    /// The most notifications of a job over its life.
    static let maximumPerJob = 100
    /// How many jobs' counts it keeps. Forgetting one costs no more than a request that the server rejects.
    static let maximumJobs = 20_000

    let capacity: Int
    private var entries: [JobNotification] = []
    private var first = 0
    private var counts: [JobID: Int] = [:]
    private var lastDetails: [JobID: String] = [:]

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count - first }

    mutating func add(_ notification: JobNotification) -> Admission {
        if lastDetails[notification.job] == notification.detail { return .merged }
        if counts[notification.job, default: 0] >= Self.maximumPerJob { return .overLimit }
        if count >= capacity { return .full }
        entries.append(notification)
        if counts.count >= Self.maximumJobs, counts[notification.job] == nil { counts = [:] }
        counts[notification.job, default: 0] += 1
        lastDetails[notification.job] = notification.detail
        return .queued
    }

    /// Adds a notification, and removes the oldest ones as far as that needs room: a batch that was put back can have left
    /// more than ``capacity``.
    mutating func addDroppingOldest(_ notification: JobNotification) -> (Admission, dropped: [JobNotification]) {
        var dropped: [JobNotification] = []
        while true {
            let admission = add(notification)
            guard admission == .full, let oldest = dropOldest() else { return (admission, dropped) }
            dropped.append(oldest)
        }
    }

    private mutating func dropOldest() -> JobNotification? {
        guard let oldest = take(1).first else { return nil }
        // It was not sent, so it does not count.
        counts[oldest.job].map { counts[oldest.job] = $0 - 1 }
        return oldest
    }

    /// The next batch.
    mutating func take(_ limit: Int) -> [JobNotification] {
        let batch = Array(entries[first..<min(first + limit, entries.count)])
        first += batch.count
        if first == entries.count {
            entries.removeAll(keepingCapacity: true)
            lastDetails.removeAll(keepingCapacity: true)
            first = 0
        } else if first > 4096 {
            entries.removeFirst(first)
            first = 0
        }
        // Later notifications cannot be merged with these; a later one of the same job sets the entry again.
        for notification in batch where lastDetails[notification.job] == notification.detail {
            lastDetails[notification.job] = nil
        }
        return batch
    }

    /// Puts a batch that certainly was not sent back to the front.
    mutating func putBack(_ batch: [JobNotification]) {
        entries.replaceSubrange(0..<first, with: batch)
        first = 0
    }
}
