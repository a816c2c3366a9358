#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What the simulator as a program does for scripts. Each is one step: nothing else happens between a check and what follows
/// from it.
extension StacksSimulator {
    /// What a simulator has at its start.
    package struct Start: Sendable {
        /// How many jobs there are in the default queue.
        package var jobs = 0
        package var template = SimulatedJob.Template()
        /// Whether the default queue is paused.
        package var isPaused = false

        package init() {}
    }

    /// Adds what the simulator has at its start, to the first organization.
    package func populate(_ start: Start) {
        withState { state, now in state.populate(start, at: now) }
    }

    /// Makes the simulator as it was when it was created and populated. Only its clock goes on.
    package func reset(seed: UInt64?, start: Start) {
        reset(seed: seed) { state, now in state.populate(start, at: now) }
    }

    /// Adds jobs to a queue that there is.
    ///
    /// - Returns: The UUIDs of the jobs, or `nil` when the organization has no such queue.
    package func addJobs(
        _ count: Int, toQueue key: String, organization slug: String?, template: SimulatedJob.Template
    ) -> [String]? {
        withState { state, now in
            guard let organization = state.organization(slug), state.queue(key, organization: organization) != nil
            else { return nil }
            return state.addJobs(
                repeatElement(template, count: max(0, count)), queue: key, organization: organization, at: now)
        }
    }

    /// Cancels a job, and returns what became of it, or `nil` when there is none with that UUID.
    package func cancelled(_ job: String) -> SimulatedJob? {
        changeJob(job) { state, index, now in
            _ = state.cancel(index, at: now)
            return state.inspected(index)
        }
    }

    /// Moves a job, and returns what became of it, or `nil` when there is none with that UUID.
    package func moved(_ job: String, to newState: SimulatedJob.State) -> SimulatedJob? {
        changeJob(job) { state, index, now in
            state.move(index, to: newState, .moved, at: now)
            return state.inspected(index)
        }
    }

    /// Adds a queue unless it exists.
    ///
    /// - Returns: Whether it is there. It is not when the organization has as many queues as it may have.
    package func addQueue(_ key: String, organization slug: String?, atMost limit: Int) -> Bool {
        withState { state, _ in
            guard let organization = state.organization(slug) else { return false }
            if state.queue(key, organization: organization) != nil { return true }
            guard state.organizations[organization].queues.count < limit else { return false }
            _ = state.addQueue(key, organization: organization)
            return true
        }
    }

    /// What became of jobs that were to arrive.
    package enum Scheduling: Sendable {
        /// The last one arrives at this time.
        case until(Date)
        /// There would be too many that are still to arrive, of which there are this many.
        case tooMany(pending: Int)
        /// There is no such queue or organization, or the arrivals make no jobs.
        case impossible
    }

    /// Adds jobs over time, unless more than `limit` would then be still to arrive.
    package func schedule(
        _ arrivals: SimulatedArrivals, queue key: String, organization slug: String?, pendingAtMost limit: Int
    ) -> Scheduling {
        withState { state, now in
            guard let organization = state.organization(slug),
                let queue = state.queue(key, organization: organization)
            else { return .impossible }
            let pending = state.arrivals.count
            guard pending + arrivals.count <= limit else { return .tooMany(pending: pending) }
            let last = state.schedule(arrivals, queue: queue, organization: organization, at: now)
            return last.map(Scheduling.until) ?? .impossible
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
    fileprivate mutating func populate(_ start: StacksSimulator.Start, at now: Date) {
        guard !organizations.isEmpty else { return }
        _ = addJobs(
            repeatElement(start.template, count: max(0, start.jobs)), queue: "_default", organization: 0, at: now)
        if start.isPaused { organizations[0].queues[0].isPaused = true }
    }
}

extension SimulatedJob.Template {
    /// How many bytes a job of this kind takes in a listing, of which the simulator keeps them for each job.
    package func listedSize(queue: String) -> Int {
        let uuid = "00000000-0000-4000-8000-000000000000"
        let listing = SimulatedJob.Listing(
            self, queueRule: "queue=\(queue)", scheduledAt: Date(timeIntervalSince1970: 0),
            build: .init(uuid: uuid, number: 1_000_000, pipeline: uuid))
        return listing.json(id: uuid).bytes.count
    }
}
