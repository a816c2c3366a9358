import StacksAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Jobs that were listed, suit, and have not been asked for: the best first, by priority and then by age.
struct Backlog {
    /// In the order in which they are to be reserved.
    private(set) var jobs: [ScheduledJob] = []
    /// The job that was scheduled first. Kept, because it is asked for at every step.
    private(set) var oldest: ScheduledJob?

    var count: Int { jobs.count }
    var isEmpty: Bool { jobs.isEmpty }

    /// Adds what a page has shown, oldest first. Sorting keeps the order of equals. A job that is listed again, in the
    /// same page or in one that was read while the list moved, is in it once.
    mutating func add(_ listed: [ScheduledJob]) {
        guard !listed.isEmpty else { return }
        var known = Set(jobs.map(\.id))
        let listed = listed.filter { known.insert($0.id).inserted }
        if oldest == nil { oldest = listed.first }
        jobs += listed
        jobs.sort { $0.priority > $1.priority }
    }

    /// Takes the best `count` jobs, or as many as there are.
    mutating func takeFirst(_ count: Int) -> [ScheduledJob] {
        let taken = Array(jobs.prefix(max(0, count)))
        jobs.removeFirst(taken.count)
        if let id = oldest?.id, taken.contains(where: { $0.id == id }) {
            oldest = jobs.min { Self.time($0) < Self.time($1) }
        }
        return taken
    }

    mutating func removeAll() {
        jobs = []
        oldest = nil
    }

    private static func time(_ job: ScheduledJob) -> Double {
        job.scheduledAt?.timeIntervalSinceReferenceDate ?? .infinity
    }
}
