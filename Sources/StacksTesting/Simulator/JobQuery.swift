/// Which jobs are listed, and how.
package struct JobQuery: Sendable {
    package enum Order: String, Sendable, CaseIterable {
        /// As they were added.
        case added
        /// The one that moved last first.
        case moved
    }

    package var state: SimulatedJob.State?
    /// The slug of an organization.
    package var organization: String?
    /// The key of a queue, or an alias.
    package var queue: String?
    /// A text that is in one of a job's texts, in any case. Every job is looked through until enough are found.
    package var find: String?
    /// The UUID of a job, in the order of being added: only those after it.
    package var after: String?
    package var order = Order.added
    package var limit = 1000
    /// About how many bytes the jobs may have together, unless the first one has more.
    package var sizeLimit = 16 << 20
    /// Whether meta-data, annotations and artifacts are wanted too.
    package var hasBuilds = true

    package init() {}
}

extension SimulatedJob {
    /// Whether a text is a UUID with its hyphens, as jobs have one.
    package static func isUUID(_ text: String) -> Bool { RequestBody.canonicalUUID(text) != nil }
}

extension StacksSimulator {
    /// Some of the jobs, and whether there are more; `nil` when there is no job with the UUID in `after`.
    package func jobs(_ query: JobQuery) -> (jobs: [SimulatedJob], hasMore: Bool)? {
        withState { state, _ in
            var first = 0
            if let after = query.after {
                guard let index = state.jobIndexes[after.lowercased()] else { return nil }
                first = index + 1
            }
            return switch query.order {
            case .added: state.jobs(query, among: state.jobs.indices[first...])
            case .moved: state.jobs(query, among: state.lastEvents.newestFirst)
            }
        }
    }

    /// The states that jobs can be asked for: those of the API, and others that jobs have been in.
    package var jobStates: [SimulatedJob.State] {
        withState { state, _ in
            let known = Set(SimulatedJob.State.known)
            let others = Set(state.organizations.flatMap { $0.queues.flatMap(\.jobCounts.keys) }).subtracting(known)
            return SimulatedJob.State.known + others.sorted { $0.rawValue < $1.rawValue }
        }
    }
}

extension SimulatorState {
    fileprivate func jobs(
        _ query: JobQuery, among indexes: some Sequence<Int>
    ) -> (jobs: [SimulatedJob], hasMore: Bool) {
        let queues = organizations.indices.map { organization in
            query.queue.flatMap { queue($0, organization: organization) }
        }
        // When all jobs in a state have been seen, the others need not be looked at: a rare state costs little, unless its
        // jobs come late.
        var unseen = jobCount(query, queues: queues)
        let text = query.find.flatMap { $0.isEmpty ? nil : JobText($0) }
        var found: [SimulatedJob] = []
        var size = 0
        guard unseen > 0 else { return (found, false) }
        for index in indexes {
            if let state = query.state, jobs[index].job.state != state { continue }
            if let organization = query.organization, jobs[index].job.organization != organization { continue }
            if query.queue != nil, queues[jobs[index].organization] != jobs[index].queue { continue }
            unseen -= 1
            if text?.isIn(jobs[index].job) ?? true {
                if found.count == query.limit { return (found, true) }
                let job = query.hasBuilds ? inspected(index) : jobs[index].job
                size += jobs[index].listing.count + (query.hasBuilds ? job.size : 0)
                if size > query.sizeLimit, !found.isEmpty { return (found, true) }
                found.append(job)
            }
            if unseen == 0 { break }
        }
        return (found, false)
    }

    /// How many jobs there are in the state, the organization and the queue.
    private func jobCount(_ query: JobQuery, queues wanted: [Int?]) -> Int {
        var count = 0
        for (index, organization) in organizations.enumerated() {
            if let slug = query.organization, slug != organization.settings.slug { continue }
            for (place, queue) in organization.queues.enumerated() where query.queue == nil || wanted[index] == place {
                count += query.state.map { queue.jobCounts[$0] ?? 0 } ?? queue.jobCounts.values.reduce(0, +)
            }
        }
        return count
    }
}

extension SimulatedJob {
    /// About how many bytes the job takes in a list besides what a listing of the API has of it.
    fileprivate var size: Int {
        func size(_ texts: some Sequence<String>) -> Int { texts.reduce(0) { $0 + $1.utf8.count } }
        return template.logSize + 128 * (history.count + artifacts.count + headerTimes.count) + size(notifications)
            + size(metaData.keys) + size(metaData.values) + size(annotations.lazy.map(\.body))
            + size(artifacts.lazy.map(\.path))
    }
}

/// A text that is looked for in jobs, whatever its case.
private struct JobText {
    /// In lowercase.
    private let text: String
    /// Its bytes, if it is ASCII: most are, and then nothing is copied.
    private let bytes: [UInt8]?

    init(_ text: String) {
        self.text = text.lowercased()
        bytes = text.utf8.allSatisfy { $0 < 0x80 } ? Array(self.text.utf8) : nil
    }

    func isIn(_ job: SimulatedJob) -> Bool {
        let listing = job.listing
        return isIn(job.id) || isIn(listing.pipelineSlug) || isIn(listing.branch) || isIn(listing.stepKey)
            || isIn(job.reservedBy) || isIn(job.agent) || listing.agentQueryRules.contains { isIn($0) }
    }

    private func isIn(_ other: String?) -> Bool {
        guard var other else { return false }
        guard let bytes else { return other.lowercased().contains(text) }
        return other.withUTF8 { other in
            guard other.count >= bytes.count else { return false }
            return (0...(other.count - bytes.count)).contains { start in
                bytes.indices.allSatisfy { Self.lowercase(other[start + $0]) == bytes[$0] }
            }
        }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
