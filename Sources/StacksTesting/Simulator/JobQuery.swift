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
    /// A text that is in one of a job's texts, in any case.
    package var find: String?
    /// The UUID of a job, in the order of being added: only those after it.
    package var after: String?
    package var order = Order.added
    package var limit = 1000
    /// Whether meta-data, annotations and artifacts are wanted too.
    package var hasBuilds = true

    package init() {}
}

extension StacksSimulator {
    /// Some of the jobs, and whether there are more.
    package func jobs(_ query: JobQuery) -> (jobs: [SimulatedJob], hasMore: Bool) {
        withState { state, _ in
            switch query.order {
            case .added:
                let first = query.after.flatMap { state.jobIndexes[$0.lowercased()] }.map { $0 + 1 } ?? 0
                return state.jobs(query, among: state.jobs.indices[first...])
            case .moved: return state.jobs(query, among: state.lastEvents.newestFirst)
            }
        }
    }
}

extension SimulatorState {
    fileprivate func jobs(
        _ query: JobQuery, among indexes: some Sequence<Int>
    ) -> (jobs: [SimulatedJob], hasMore: Bool) {
        let queues = organizations.indices.map { organization in
            query.queue.flatMap { queue($0, organization: organization) }
                .map { organizations[organization].queues[$0].key }
        }
        let text = query.find.flatMap { $0.isEmpty ? nil : $0.lowercased() }
        var found: [SimulatedJob] = []
        for index in indexes {
            if let state = query.state, jobs[index].job.state != state { continue }
            if let organization = query.organization, jobs[index].job.organization != organization { continue }
            if query.queue != nil, queues[jobs[index].organization] != jobs[index].job.queue { continue }
            if let text, !jobs[index].job.hasText(text) { continue }
            if found.count == query.limit { return (found, true) }
            found.append(query.hasBuilds ? inspected(index) : jobs[index].job)
        }
        return (found, false)
    }
}

extension SimulatedJob {
    /// Whether one of its texts contains another one, which is in lowercase.
    fileprivate func hasText(_ text: String) -> Bool {
        let texts = [id, listing.pipelineSlug, listing.branch, listing.stepKey, reservedBy, agent].compactMap(\.self)
        return (texts + listing.agentQueryRules).contains { $0.lowercased().contains(text) }
    }
}
