import StacksAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Listed jobs that match and are not requested yet: the best first, by priority and then by age.
///
/// A line for each priority, so that to add a page and to take jobs cost what they hold, however many jobs wait.
struct Backlog {
    /// The jobs of one priority, in the order in which they were listed.
    private struct Line {
        private var listed: [ScheduledJob] = []
        private var taken = 0

        var jobs: ArraySlice<ScheduledJob> { listed[taken...] }

        mutating func add(_ job: ScheduledJob) { listed.append(job) }

        mutating func take(_ count: Int) -> ArraySlice<ScheduledJob> {
            let first = jobs.prefix(count)
            taken += first.count
            // What is moved up is less than what was taken since the last time.
            if taken * 2 > listed.count {
                listed.removeFirst(taken)
                taken = 0
            }
            return first
        }
    }

    private var lines: [Int: Line] = [:]
    /// The priorities that have a line, the highest first; `nil` when there is a new one.
    private var priorities: [Int]? = []
    private var known: Set<JobID> = []
    /// The job that was scheduled first. Kept, because every step needs it.
    private(set) var oldest: ScheduledJob?

    /// How many more are known to wait, and were counted and not kept, because nothing could be started.
    private var others = 0
    /// When the jobs that wait were counted last.
    private(set) var countedAt: Duration?
    /// Whether the list was read to its end then.
    private(set) var isWhole = true

    var count: Int { known.count }
    /// How many jobs wait, as far as they have been counted.
    var waiting: Int { count + others }
    var isEmpty: Bool { known.isEmpty }

    /// Adds what a page has shown, oldest first. A job that is listed again, in the same page or in one that was read
    /// while the list moved, is in it once.
    mutating func add(_ listed: [ScheduledJob]) {
        for job in listed where known.insert(job.id).inserted {
            if oldest == nil { oldest = job }
            if lines[job.priority] == nil { priorities = nil }
            lines[job.priority, default: Line()].add(job)
        }
    }

    /// Takes the best `count` jobs, or as many as there are.
    mutating func takeFirst(_ count: Int) -> [ScheduledJob] {
        var taken: [ScheduledJob] = []
        var order = priorities ?? lines.keys.sorted(by: >)
        var empty = 0
        for priority in order where taken.count < count {
            guard var line = lines.removeValue(forKey: priority) else { continue }
            taken += line.take(count - taken.count)
            if line.jobs.isEmpty { empty += 1 } else { lines[priority] = line }
        }
        order.removeFirst(empty)
        priorities = order
        for job in taken { known.remove(job.id) }
        if let id = oldest?.id, !known.contains(id) {
            oldest = lines.values.lazy.compactMap(\.jobs.first).min { Self.isOlder($0, $1) }
        }
        return taken
    }

    /// The best `count` jobs, or as many as there are.
    func first(_ count: Int) -> [ScheduledJob] {
        var first: [ScheduledJob] = []
        for priority in priorities ?? lines.keys.sorted(by: >) where first.count < count {
            first += lines[priority]?.jobs.prefix(count - first.count) ?? []
        }
        return first
    }

    /// Of which priorities the best `count` jobs are, the highest first.
    func demand(_ count: Int) -> [SlotAllocation.Demand] {
        var (demand, rest): ([SlotAllocation.Demand], Int) = ([], count)
        for priority in priorities ?? lines.keys.sorted(by: >) where rest > 0 {
            let jobs = min(rest, lines[priority]?.jobs.count ?? 0)
            if jobs > 0 { demand.append(.init(priority: priority, count: jobs)) }
            rest -= jobs
        }
        return demand
    }

    mutating func removeAll() {
        setAside()
        others = 0
    }

    /// Keeps the number of the jobs and not the jobs: they are about to be listed again, or must not be reserved.
    mutating func setAside() {
        others += count
        (lines, priorities, known, oldest) = ([:], [], [], nil)
    }

    /// Records that a page was read to count the jobs.
    mutating func counted(isWhole: Bool, at now: Duration) {
        countedAt = now
        self.isWhole = isWhole
    }

    /// Records that only the head of the list was read: the jobs that were added are among those that were counted before,
    /// and when nothing follows they are all there is.
    mutating func glanced(nothingFollows: Bool, at now: Duration) {
        others = nothingFollows ? 0 : max(0, others - count)
        if nothingFollows { counted(isWhole: true, at: now) }
    }

    /// Of jobs whose time is the same, or not known, the one with the higher priority: the order of the lines is no order.
    private static func isOlder(_ one: ScheduledJob, _ other: ScheduledJob) -> Bool {
        let (first, second) = (time(one), time(other))
        return first == second ? one.priority > other.priority : first < second
    }

    private static func time(_ job: ScheduledJob) -> Double {
        job.scheduledAt?.timeIntervalSinceReferenceDate ?? .infinity
    }
}
