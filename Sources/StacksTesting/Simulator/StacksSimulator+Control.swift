#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
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

    /// Whether the simulator plays the agents of jobs.
    package var playsJobs: Bool { withState { state, _ in state.configuration.agents.playing != .never } }

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

    /// Cancels a job.
    ///
    /// - Returns: The job after that, or `nil` when there is none with that UUID.
    package func cancelJob(_ job: String) -> SimulatedJob? {
        changeJob(job) { state, index, now in
            _ = state.cancel(index, at: now)
            return state.inspected(index)
        }
    }

    /// Moves a job.
    ///
    /// - Returns: The job after that, or `nil` when there is none with that UUID.
    package func moveJob(_ job: String, to newState: SimulatedJob.State) -> SimulatedJob? {
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
}

extension SimulatorState {
    fileprivate mutating func populate(_ start: StacksSimulator.Start, at now: Date) {
        guard !organizations.isEmpty else { return }
        _ = addJobs(
            repeatElement(start.template, count: max(0, start.jobs)), queue: "_default", organization: 0, at: now)
        if start.isPaused { organizations[0].queues[0].isPaused = true }
    }
}
