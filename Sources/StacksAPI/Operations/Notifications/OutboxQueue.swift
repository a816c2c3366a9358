/// The notifications that wait to be sent: a value that takes them in and gives them out in batches.
struct OutboxQueue: Sendable {
    enum Admission: Equatable {
        case queued
        /// The job's last notification, which is still here, says the same.
        case merged
        /// There is no room.
        case full
        /// The job has had all the notifications that it takes.
        case overLimit
    }

    /// How many notifications one job takes over its life.
    static let maximumPerJob = 100
    /// Of how many jobs it remembers what they have had. Forgetting one costs an answer that refuses, no more.
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

    /// Makes room by leaving out the oldest one.
    mutating func dropOldest() -> JobNotification? {
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
        // What has left cannot be merged with; a later one of the same job that is here sets it anew.
        for notification in batch where lastDetails[notification.job] == notification.detail {
            lastDetails[notification.job] = nil
        }
        return batch
    }

    /// Puts a batch back that was certainly not sent, before everything else.
    mutating func putBack(_ batch: [JobNotification]) {
        entries.replaceSubrange(0..<first, with: batch)
        first = 0
    }
}
