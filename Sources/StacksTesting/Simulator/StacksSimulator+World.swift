#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Events in Buildkite that a stack does not cause: builds, actions of people, faults.
///
/// Methods take an organization by its slug; `nil` selects the first one. If an argument names something that does not
/// exist, a method changes nothing, and returns an empty array or `false`.
extension StacksSimulator {
    /// Adds jobs to a queue.
    ///
    /// - Parameters:
    ///   - count: The number of jobs.
    ///   - queue: The queue's key. A missing queue is added.
    ///   - scheduledAt: When the jobs were scheduled. Default: now. An earlier time inserts them before other jobs, and so
    ///     before a cursor that has passed that time.
    ///   - organization: The organization's slug. Default: the first one.
    ///   - template: The properties of each job.
    /// - Returns: The UUIDs of the jobs, in the order of a listing.
    @discardableResult
    public func addJobs(
        _ count: Int = 1, queue: String = "_default", scheduledAt: Date? = nil, organization: String? = nil,
        template: SimulatedJob.Template = SimulatedJob.Template()
    ) -> [String] {
        withState { state, now in
            state.organization(organization).map { organization in
                state.addJobs(
                    repeatElement(template, count: max(0, count)), queue: queue, organization: organization,
                    scheduledAt: scheduledAt, at: now)
            } ?? []
        }
    }

    /// Adds a job for each template to a queue, as one build.
    ///
    /// - Returns: The UUIDs of the jobs, in the order of the templates.
    @discardableResult
    public func addJobs(
        _ templates: [SimulatedJob.Template], queue: String = "_default", scheduledAt: Date? = nil,
        organization slug: String? = nil
    ) -> [String] {
        withState { state, now in
            state.organization(slug).map { organization in
                state.addJobs(
                    templates, queue: queue, organization: organization, scheduledAt: scheduledAt, at: now)
            } ?? []
        }
    }

    /// Adds a queue unless it exists.
    public func addQueue(_ key: String, organization slug: String? = nil) {
        withState { state, _ in
            guard let organization = state.organization(slug) else { return }
            if state.queue(key, organization: organization) == nil {
                _ = state.addQueue(key, organization: organization)
            }
        }
    }

    /// Pauses or resumes the dispatch of a queue.
    ///
    /// - Returns: Whether the queue exists.
    @discardableResult
    public func setPaused(_ isPaused: Bool, queue key: String, organization slug: String? = nil) -> Bool {
        withState { state, _ in
            guard let organization = state.organization(slug), let queue = state.queue(key, organization: organization)
            else { return false }
            state.organizations[organization].queues[queue].isPaused = isPaused
            return true
        }
    }

    /// Sets whether an organization is unavailable.
    public func setUnavailable(_ isUnavailable: Bool, organization slug: String? = nil) {
        withState { state, _ in
            guard let organization = state.organization(slug) else { return }
            state.organizations[organization].settings.isUnavailable = isUnavailable
        }
    }

    /// Sets whether requests beyond a rate limit are refused.
    public func setEnforcesRateLimits(_ isOn: Bool) {
        withState { state, _ in state.configuration.enforcesRateLimits = isOn }
    }

    /// Cancels a job, as a person does. A running job is `canceling` until its agent finishes it; another is `canceled`.
    ///
    /// - Returns: Whether the job exists and had not ended.
    @discardableResult
    public func cancel(_ job: String) -> Bool {
        changeJob(job) { state, index, now in state.cancel(index, at: now) } ?? false
    }

    /// Moves a job to any state, also one that the API does not have, without checking the transition.
    ///
    /// - Returns: Whether the job exists.
    @discardableResult
    public func move(_ job: String, to newState: SimulatedJob.State) -> Bool {
        changeJob(job) { state, index, now in state.move(index, to: newState, .moved, at: now) } != nil
    }

    /// Changes the job with a UUID, if there is one.
    func changeJob<Result>(_ id: String, _ change: (inout SimulatorState, Int, Date) -> Result) -> Result? {
        withState { state, now in
            state.jobIndexes[id.lowercased()].map { change(&state, $0, now) }
        }
    }

    /// Adds a fault. If several apply to a request, the one that was added first takes effect.
    public func addFault(_ fault: SimulatorFault) {
        withState { state, _ in state.addFault(fault) }
    }

    /// Removes all faults.
    public func removeFaults() {
        withState { state, _ in state.faults = [] }
    }
}

extension SimulatorState {
    /// Adds a job for each template to a queue, as one build. A missing queue is added.
    mutating func addJobs(
        _ templates: some Sequence<SimulatedJob.Template>, queue: String, organization: Int, scheduledAt: Date? = nil,
        at now: Date
    ) -> [String] {
        let queue = self.queue(queue, organization: organization) ?? addQueue(queue, organization: organization)
        let build = Build(uuid: generator.uuid(), number: jobs.count + 1, pipeline: generator.uuid())
        return templates.map { template in
            addJob(
                template, queue: queue, organization: organization, scheduledAt: scheduledAt ?? now, now: now,
                build: build)
        }
    }

    mutating func addQueue(_ key: String, organization: Int) -> Int {
        let index = organizations[organization].queues.count
        organizations[organization].queues.append(QueueRecord(key: key, uuid: generator.uuid()))
        organizations[organization].queueIndexes[key] = index
        return index
    }
}
