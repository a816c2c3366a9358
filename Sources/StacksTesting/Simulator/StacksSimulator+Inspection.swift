#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    import Foundation
#endif

/// What a test asks afterwards.
extension StacksSimulator {
    /// A job as it is now, or `nil` when there is none with this UUID.
    public func job(_ id: String) -> SimulatedJob? {
        withState { state, _ in state.jobIndexes[id.lowercased()].map { state.jobs[$0].job } }
    }

    /// All jobs in the order in which they were added; only those in `jobState` when it is given.
    public func jobs(in jobState: SimulatedJob.State? = nil) -> [SimulatedJob] {
        withState { state, _ in
            state.jobs.lazy.map(\.job).filter { jobState == nil || $0.state == jobState }
        }
    }

    /// A stack as it is now, or `nil` when none was ever registered with this key.
    public func stack(_ key: String, organization slug: String? = nil) -> SimulatedStack? {
        withState { state, now in
            guard let organization = state.organization(slug), let stack = state.organizations[organization].stacks[key]
            else { return nil }
            return SimulatedStack(
                key: key, type: stack.type, queue: state.organizations[organization].queues[stack.queue].key,
                metadata: Dictionary(uniqueKeysWithValues: stack.metadata), isRegistered: stack.isRegistered,
                isConnected: stack.isConnected(at: now), lastPolledAt: stack.lastPolledAt
            )
        }
    }

    /// The agent token of an organisation, or `nil` when there is none with this slug.
    public func token(organization slug: String) -> String? {
        withState { state, _ in state.organization(slug).map { state.organizations[$0].token } }
    }

    /// Counts of everything so far.
    public var report: SimulatorReport {
        withState { state, _ in SimulatorReport(state) }
    }
}

/// A stack as the simulator knows it.
public struct SimulatedStack: Sendable, Hashable {
    /// Its key, unique in its organisation.
    public var key: String
    /// `custom`, `kubernetes` or `elastic`.
    public var type: String
    /// The key of the queue that it registered for last.
    public var queue: String
    /// What it registered with last.
    public var metadata: [String: String]
    /// Whether it has not de-registered.
    public var isRegistered: Bool
    /// Whether it registered or polled during the last 30 seconds.
    public var isConnected: Bool
    /// When it last listed jobs, or `nil` when it never did.
    public var lastPolledAt: Date?
}

/// Counts of what a simulator has seen.
public struct SimulatorReport: Sendable {
    /// How many jobs were added.
    public var added = 0
    /// How many jobs are in each state.
    public var jobsByState: [SimulatedJob.State: Int] = [:]
    /// Jobs that were reserved at least once.
    public var reserved = 0
    /// Jobs that an agent came for at least once.
    public var launched = 0
    /// Jobs that are finished.
    public var finished = 0
    /// Jobs that are cancelled, those whose agent has not stopped yet included.
    public var cancelled = 0
    /// Jobs that agents came for, or started, more than once. It must be 0.
    public var launchedTwice = 0
    /// Jobs that were reserved and are not over. Once the controller has stopped, they are those that it lost.
    public var lost = 0
    /// Reservations that ended because time ran out.
    public var reservationsExpired = 0
    /// From being scheduled to being started by an agent, for each job that was started, shortest first.
    public var dispatchLatencies: [Duration] = []
    /// Requests by operation, refused ones included.
    public var requests: [SimulatedOperation: Int] = [:]
    /// Answers by status.
    public var answersByStatus: [Int: Int] = [:]
    /// 429 answers by operation.
    public var rateLimited: [SimulatedOperation: Int] = [:]
    /// How often a fault struck.
    public var faults = 0

    /// The latency that the fraction `quantile` of the started jobs did not exceed; `nil` when none was started.
    public func dispatchLatency(quantile: Double) -> Duration? {
        guard !dispatchLatencies.isEmpty else { return nil }
        let rank = Int((quantile * Double(dispatchLatencies.count)).rounded(.up)) - 1
        return dispatchLatencies[min(max(rank, 0), dispatchLatencies.count - 1)]
    }

    init(_ state: borrowing SimulatorState) {
        requests = state.counts.byOperation
        answersByStatus = state.counts.byStatus
        rateLimited = state.counts.rateLimited
        faults = state.counts.faults
        added = state.jobs.count
        for record in state.jobs {
            let job = record.job
            jobsByState[job.state, default: 0] += 1
            let wasReserved = job.date(of: .reserved) != nil
            if wasReserved { reserved += 1 }
            if wasReserved, !job.state.isTerminal { lost += 1 }
            if job.launches > 0 { launched += 1 }
            if job.launches > 1 || job.starts > 1 { launchedTwice += 1 }
            if job.state == .finished { finished += 1 }
            if job.state == .canceled || job.state == .canceling { cancelled += 1 }
            reservationsExpired += job.history.count { $0.kind == .reservationExpired }
            if let started = job.date(of: .started) {
                dispatchLatencies.append(.seconds(started.timeIntervalSince(record.position.scheduledAt)))
            }
        }
        dispatchLatencies.sort()
    }
}
