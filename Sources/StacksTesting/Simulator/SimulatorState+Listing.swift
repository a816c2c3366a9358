#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SimulatorState {
    mutating func listScheduledJobs(_ admission: Admission) throws(Refusal) -> Reply {
        let (query, organization) = (admission.route.query, admission.organization)
        guard let key = query["queue_key"], !key.isEmpty else { throw .badRequest("queue_key is missing.") }
        var limit = 1000
        if let text = query["limit"] {
            guard let value = Int(text) else { throw .badRequest("limit is not an integer.") }
            try RequestBody.check(value, named: "limit", in: 1...1000)
            limit = value
        }
        guard let queue = queue(key, organization: organization) else {
            throw .notFound("No queue has the key \"\(key)\".")
        }
        var cursor: (microseconds: Int64, sequence: Int)?
        if let text = query["after"] {
            cursor = QueuePosition.parse(cursor: text)
            if cursor == nil { throw .badRequest("after is not a cursor.") }
        }
        organizations[organization].stacks[admission.route.stack]?.lastPolledAt = admission.now
        mergeReturnedJobs(of: queue, organization: organization)
        tidyQueue(queue, organization: organization, at: admission.now)

        let page = page(of: queue, organization: organization, after: cursor, limit: limit, at: admission.now)
        var bytes: [UInt8] = [UInt8(ascii: "[")]
        bytes.reserveCapacity(page.jobs.count * 400)
        for (place, index) in page.jobs.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += jobs[index].listing
        }
        bytes.append(UInt8(ascii: "]"))
        let record = organizations[organization].queues[queue]
        return .ok([
            ("jobs", .raw(bytes)),
            (
                "page_info",
                .object([
                    ("has_next_page", .bool(page.hasMore)),
                    ("end_cursor", .optional(page.jobs.last.map { jobs[$0].position.cursor })),
                ])
            ),
            (
                "cluster_queue",
                .object([("id", .string(record.uuid)), ("dispatch_paused", .bool(record.isPaused))])
            ),
        ])
    }

    private func page(
        of queue: Int, organization: Int, after cursor: (microseconds: Int64, sequence: Int)?, limit: Int, at now: Date
    ) -> (jobs: [Int], hasMore: Bool) {
        let list = organizations[organization].queues[queue].jobs
        var start = 0
        if let cursor {
            start = Self.firstIndex(in: list) { QueuePosition.isAfter(jobs[$0].position, cursor: cursor) }
        }
        var page: [Int] = []
        for index in list[start...] where isListed(index, at: now) {
            if page.count == limit { return (page, true) }
            page.append(index)
        }
        return (page, false)
    }

    /// Whether a listing contains the job: whether it was scheduled one listing delay ago.
    private func isListed(_ index: Int, at now: Date) -> Bool {
        guard configuration.listingDelay > .zero else { return jobs[index].job.state == .scheduled }
        // A microsecond exceeds the rounding error of dates in this century.
        let seen = now.addingTimeInterval(.zero - configuration.listingDelay).addingTimeInterval(1e-6)
        return jobs[index].state(at: seen) == .scheduled
    }

    /// Removes jobs from the queue's list that are neither scheduled nor listed, so that the cost of a listing depends on
    /// its length. It does so when they are half of the list, so that each job is visited at most twice on average.
    private mutating func tidyQueue(_ queue: Int, organization: Int, at now: Date) {
        func isStale(_ index: Int) -> Bool { jobs[index].job.state != .scheduled && !isListed(index, at: now) }
        let list = organizations[organization].queues[queue].jobs
        // The oldest jobs are usually reserved first, so checking the first one is enough.
        guard let first = list.first, isStale(first) else { return }
        let kept = list.filter { !isStale($0) }
        guard list.count - kept.count >= min(64, list.count / 2) else { return }
        for index in list where isStale(index) { jobs[index].isInQueueList = false }
        organizations[organization].queues[queue].jobs = kept
    }
}
