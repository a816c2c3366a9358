#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// What happens in Buildkite without a stack's doing: builds, people, faults.
///
/// Where a method takes an organisation, it is its slug, and `nil` is the first one. What does not exist is not
/// changed: the methods then return `nil`, `false` or nothing.
extension StacksSimulator {
    /// Adds jobs to a queue.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - queue: The queue's key; a queue that is not there is added.
    ///   - scheduledAt: Since when they are scheduled, now when left out. An earlier time puts them before others, and
    ///     so behind a cursor that is past it.
    ///   - organization: The organisation's slug; the first one when left out.
    ///   - template: What each of them is made of.
    /// - Returns: Their UUIDs, in the order of a listing.
    @discardableResult
    public func addJobs(
        _ count: Int = 1, queue: String = "_default", scheduledAt: Date? = nil, organization: String? = nil,
        template: SimulatedJob.Template = SimulatedJob.Template()
    ) -> [String] {
        addJobs(
            Array(repeating: template, count: max(0, count)), queue: queue, scheduledAt: scheduledAt,
            organization: organization)
    }

    /// Adds a job for each template to a queue, as one build.
    ///
    /// - Returns: Their UUIDs, in the order of the templates.
    @discardableResult
    public func addJobs(
        _ templates: [SimulatedJob.Template], queue: String = "_default", scheduledAt: Date? = nil,
        organization slug: String? = nil
    ) -> [String] {
        withState { state, now in
            guard let organization = state.organization(slug) else { return [] }
            let queue =
                state.queue(queue, organization: organization) ?? state.addQueue(queue, organization: organization)
            let build = SimulatorState.Build(
                uuid: state.generator.uuid(), number: state.jobs.count + 1, pipeline: state.generator.uuid()
            )
            return templates.map { template in
                state.addJob(
                    template, queue: queue, organization: organization, scheduledAt: scheduledAt ?? now, now: now,
                    build: build
                )
            }
        }
    }

    /// Adds a queue, unless it is there.
    public func addQueue(_ key: String, organization slug: String? = nil) {
        withState { state, _ in
            guard let organization = state.organization(slug) else { return }
            if state.queue(key, organization: organization) == nil {
                _ = state.addQueue(key, organization: organization)
            }
        }
    }

    /// Pauses a queue's dispatch, or resumes it.
    ///
    /// - Returns: Whether the queue is there.
    @discardableResult
    public func setPaused(_ isPaused: Bool, queue key: String, organization slug: String? = nil) -> Bool {
        withState { state, _ in
            guard let organization = state.organization(slug), let queue = state.queue(key, organization: organization)
            else { return false }
            state.organizations[organization].queues[queue].isPaused = isPaused
            return true
        }
    }

    /// Makes an organisation unavailable, or available again.
    public func setUnavailable(_ isUnavailable: Bool, organization slug: String? = nil) {
        withState { state, _ in
            guard let organization = state.organization(slug) else { return }
            state.organizations[organization].settings.isUnavailable = isUnavailable
        }
    }

    /// Turns the refusal of requests beyond their limit on or off.
    public func setEnforcesRateLimits(_ isOn: Bool) {
        withState { state, _ in state.configuration.enforcesRateLimits = isOn }
    }

    /// Cancels a job as a person does: a running one is `canceling` until its agent finishes it, another is `canceled`.
    ///
    /// - Returns: Whether the job is there and was not over.
    @discardableResult
    public func cancel(_ job: String) -> Bool {
        withState { state, now in
            guard let index = state.jobIndexes[job.lowercased()] else { return false }
            return state.cancel(index, at: now)
        }
    }

    /// Moves a job to any state, one the API does not know yet included, without asking whether it can get there.
    ///
    /// - Returns: Whether the job is there.
    @discardableResult
    public func move(_ job: String, to newState: SimulatedJob.State) -> Bool {
        withState { state, now in
            guard let index = state.jobIndexes[job.lowercased()] else { return false }
            state.move(index, to: newState, .moved, at: now)
            return true
        }
    }

    /// Adds a fault. Where several would strike a request, the one added first does.
    public func addFault(_ fault: SimulatorFault) {
        withState { state, _ in state.faults.append(FaultRecord(fault: fault)) }
    }

    /// Takes all faults away.
    public func removeFaults() {
        withState { state, _ in state.faults = [] }
    }
}

extension SimulatorState {
    mutating func addQueue(_ key: String, organization: Int) -> Int {
        organizations[organization].queues.append(QueueRecord(key: key, uuid: generator.uuid()))
        return organizations[organization].queues.count - 1
    }
}
