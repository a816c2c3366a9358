#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    import Foundation
#endif

/// The state of the simulator, for a test's expectations.
extension StacksSimulator {
    /// The job with a UUID, or `nil` when there is none.
    public func job(_ id: String) -> SimulatedJob? {
        withState { state, _ in state.jobIndexes[id.lowercased()].map(state.inspected) }
    }

    /// All jobs, or those in `jobState`, in the order in which they were added.
    public func jobs(in jobState: SimulatedJob.State? = nil) -> [SimulatedJob] {
        withState { state, _ in
            state.jobs.indices.filter { jobState == nil || state.jobs[$0].job.state == jobState }.map(state.inspected)
        }
    }

    /// The stack with a key, or `nil` when none was ever registered with it.
    public func stack(_ key: String, organization slug: String? = nil) -> SimulatedStack? {
        withState { state, now in
            state.organization(slug).flatMap { SimulatedStack(key, in: state.organizations[$0], at: now) }
        }
    }

    /// The stacks that were ever registered, by their keys.
    public var stacks: [SimulatedStack] { stacks(.all) }

    /// The queues. The first one of each organization is its default queue.
    public var queues: [SimulatedQueue] { queues(.all) }

    /// The organizations. The first one is the default for calls that name none.
    public var organizations: [SimulatedOrganization] { organizations(.all) }

    /// The agent token of the organization with a slug, or `nil` when there is none.
    public func token(organization slug: String) -> String? {
        withState { state, _ in state.organization(slug).map { state.organizations[$0].token } }
    }

    /// The counters so far.
    public var report: SimulatorReport {
        withState { state, _ in SimulatorReport(state, organization: nil) }
    }

    /// The counters of an organization: of its jobs, and of the requests with its tokens.
    ///
    /// - Returns: The counters so far, or `nil` when there is no such organization.
    public func report(organization slug: String) -> SimulatorReport? {
        withState { state, _ in state.organization(slug).map { SimulatorReport(state, organization: $0) } }
    }
}

/// An organization of the simulator. Its tokens are not part of it.
public struct SimulatedOrganization: Sendable, Hashable {
    /// The name in URLs.
    public var slug: String
    /// Whether every call gets a 503.
    public var isUnavailable: Bool
    /// The keys of its queues. The first one is the default queue.
    public var queues: [String]
    /// How many stacks are registered.
    public var registeredStacks: Int
}

extension SimulatedOrganization {
    init(_ organization: SimulatorState.OrganizationRecord) {
        self.init(
            slug: organization.settings.slug, isUnavailable: organization.settings.isUnavailable,
            queues: organization.queues.map(\.key),
            registeredStacks: organization.stacks.values.count { $0.isRegistered })
    }
}

/// A stack of the simulator.
public struct SimulatedStack: Sendable, Hashable {
    /// The slug of the organization.
    public var organization: String
    /// The key, unique in its organization.
    public var key: String
    /// `custom`, `kubernetes` or `elastic`.
    public var type: String
    /// The key of the queue of its last registration.
    public var queue: String
    /// The metadata of its last registration.
    public var metadata: [String: String]
    /// Whether it is registered.
    public var isRegistered: Bool
    /// Whether it has registered or polled during the last 30 seconds.
    public var isConnected: Bool
    /// When it last listed jobs, or `nil` if it never did.
    public var lastPolledAt: Date?
}

extension SimulatedStack {
    init?(_ key: String, in organization: SimulatorState.OrganizationRecord, at now: Date) {
        guard let stack = organization.stacks[key] else { return nil }
        self.init(
            organization: organization.settings.slug, key: key, type: stack.type,
            queue: organization.queues[stack.queue].key,
            metadata: Dictionary(uniqueKeysWithValues: stack.metadata), isRegistered: stack.isRegistered,
            isConnected: stack.isConnected(at: now), lastPolledAt: stack.lastPolledAt)
    }
}

/// A queue of the simulator.
public struct SimulatedQueue: Sendable, Hashable {
    /// The slug of the organization.
    public var organization: String
    /// The key, unique in its cluster.
    public var key: String
    /// Whether its dispatch is paused.
    public var isPaused: Bool
    /// How many of its jobs wait for an agent or a stack.
    public var scheduledJobs: Int
}

/// The counters of a simulator.
public struct SimulatorReport: Sendable {
    /// Jobs that were added.
    public var added = 0
    /// Jobs by their current state.
    public var jobsByState: [SimulatedJob.State: Int] = [:]
    /// Jobs that were reserved at least once.
    public var reserved = 0
    /// Jobs that an agent requested at least once.
    public var launched = 0
    /// Finished jobs.
    public var finished = 0
    /// Cancelled jobs, including those whose agent has not stopped yet.
    public var cancelled = 0
    /// Jobs that agents requested or started more than once. It must be 0.
    public var launchedTwice = 0
    /// Jobs that were reserved and have not ended. After the controller has stopped, these are the lost jobs.
    public var lost = 0
    /// Reservations that expired.
    public var reservationsExpired = 0
    /// The time from being scheduled to being started by an agent, for each started job, in ascending order.
    public var dispatchLatencies: [Duration] = []
    /// Requests by operation, including refused ones.
    public var requests: [SimulatedOperation: Int] = [:]
    /// Responses by status.
    public var responsesByStatus: [Int: Int] = [:]
    /// Responses with status 429 by operation.
    public var rateLimited: [SimulatedOperation: Int] = [:]
    /// Occurrences of faults.
    public var faults = 0

    /// A quantile of ``dispatchLatencies``, or `nil` when no job was started.
    public func dispatchLatency(quantile: Double) -> Duration? {
        guard !dispatchLatencies.isEmpty else { return nil }
        let rank = Int((quantile * Double(dispatchLatencies.count)).rounded(.up)) - 1
        return dispatchLatencies[min(max(rank, 0), dispatchLatencies.count - 1)]
    }

    init(_ state: borrowing SimulatorState, organization: Int?) {
        let counts = state.counts(of: organization)
        requests = counts.byOperation
        responsesByStatus = counts.byStatus
        rateLimited = counts.rateLimited
        faults = counts.faults
        for record in state.jobs where organization == nil || record.organization == organization {
            added += 1
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
