#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What a page shows of a simulator: counts, and the first of each list. It costs the same however many jobs there are.
package struct SimulatorOverview: Sendable {
    package struct Organization: Sendable {
        package var slug: String
        package var isAvailable: Bool
    }

    package struct Queue: Sendable {
        package var key: String
        package var organization: String
        package var isPaused: Bool
        /// How many jobs are in each state that one is in.
        package var jobs: [SimulatedJob.State: Int]
    }

    package struct Stack: Sendable {
        package var stack: SimulatedStack
        package var organization: String
        /// The windows of its rate limits, by their names.
        package var limits: [Limit]
    }

    /// The window of a rate limit.
    package struct Limit: Sendable {
        package var scope: String
        /// How many requests there were in the last second.
        package var used: Int
        package var limit: Int
    }

    /// A list that may be cut.
    package struct List<Element: Sendable>: Sendable {
        package var first: [Element]
        package var count: Int
    }

    package var date: Date
    /// How many events the jobs have had. When it is the same as before, no job has moved.
    package var jobEvents: Int
    package var jobs: [SimulatedJob.State: Int]
    package var organizations: List<Organization>
    package var queues: List<Queue>
    /// Those that are registered come first.
    package var stacks: List<Stack>
    /// Those that are there come first, and then the newest.
    package var agents: List<RegisteredAgent>
    package var liveAgents: Int
    package var faults: List<(number: Int, fault: SimulatorFault)>
    package var pendingArrivals: Int
    package var nextArrival: Date?
    package var enforcesRateLimits: Bool
    package var requests: Int
    package var rateLimitedRequests: Int
    package var faultyRequests: Int
    /// The number of the last request in the journal.
    package var lastRequest: Int
}

extension StacksSimulator {
    /// - Parameter limit: How many of each list there are at most.
    package func overview(limit: Int) -> SimulatorOverview {
        withState { state, now in
            SimulatorOverview(
                date: now, jobEvents: state.lastEvents.count,
                jobs: state.organizations.flatMap(\.queues).reduce(into: [:]) { counts, queue in
                    counts.merge(queue.jobCounts.filter { $0.value > 0 }, uniquingKeysWith: +)
                },
                organizations: .init(state.organizations, limit: limit) {
                    .init(slug: $0.settings.slug, isAvailable: !$0.settings.isUnavailable)
                },
                queues: state.overviewOfQueues(limit: limit), stacks: state.overviewOfStacks(limit: limit, at: now),
                agents: state.overviewOfAgents(limit: limit, at: now), liveAgents: state.liveAgents.count,
                faults: .init(state.faults, limit: limit) { ($0.number, $0.remaining) },
                pendingArrivals: state.arrivals.count, nextArrival: state.arrivals.nextDate,
                enforcesRateLimits: state.configuration.enforcesRateLimits,
                requests: state.counts.byOperation.values.reduce(0, +),
                rateLimitedRequests: state.counts.rateLimited.values.reduce(0, +),
                faultyRequests: state.counts.faults, lastRequest: state.journal.nextNumber - 1)
        }
    }
}

extension SimulatorOverview.List {
    fileprivate init<All: Collection>(_ all: All, limit: Int, _ element: (All.Element) -> Element) {
        self.init(first: all.prefix(limit).map(element), count: all.count)
    }
}

extension SimulatorState {
    fileprivate func overviewOfQueues(limit: Int) -> SimulatorOverview.List<SimulatorOverview.Queue> {
        let all = organizations.flatMap { organization in organization.queues.map { (organization.settings.slug, $0) } }
        return .init(all, limit: limit) { slug, queue in
            .init(
                key: queue.key, organization: slug, isPaused: queue.isPaused,
                jobs: queue.jobCounts.filter { $0.value > 0 })
        }
    }

    fileprivate mutating func overviewOfStacks(
        limit: Int, at now: Date
    ) -> SimulatorOverview.List<SimulatorOverview.Stack> {
        let all = organizations.indices.flatMap { organization in
            organizations[organization].stacks.map { (organization, key: $0.key, isRegistered: $0.value.isRegistered) }
        }
        let sorted = all.sorted { ($0.isRegistered ? 0 : 1, $0.0, $0.key) < ($1.isRegistered ? 0 : 1, $1.0, $1.key) }
        let first = sorted.prefix(limit).compactMap { organization, key, _ -> SimulatorOverview.Stack? in
            guard let stack = SimulatedStack(key, in: organizations[organization], at: now) else { return nil }
            let limits = configuration.rateLimits.sorted { $0.key < $1.key }.map { scope, limit in
                let window = WindowKey(organization: organization, stack: key, scope: scope)
                return SimulatorOverview.Limit(scope: scope, used: windows[window]?.count(at: now) ?? 0, limit: limit)
            }
            return .init(stack: stack, organization: organizations[organization].settings.slug, limits: limits)
        }
        return .init(first: first, count: sorted.count)
    }

    fileprivate func overviewOfAgents(limit: Int, at now: Date) -> SimulatorOverview.List<RegisteredAgent> {
        let live = liveAgents.sorted(by: >).prefix(limit)
        let others = agents.indices.reversed().lazy.filter { !liveAgents.contains($0) }.prefix(limit - live.count)
        return .init(first: (live + others).map { shownAgent($0, at: now) }, count: agents.count)
    }
}
