import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `GET overview`.
struct OverviewDocument: Codable {
    struct List<Element: Codable>: Codable {
        /// As many as were asked for at most.
        var first: [Element]
        var count: Int

        init<Source>(_ list: SimulatorOverview.List<Source>, _ element: (Source) -> Element) {
            first = list.first.map(element)
            count = list.count
        }
    }

    struct Organization: Codable {
        var slug: String
        var available: Bool
    }

    struct Queue: Codable {
        var key: String
        var organization: String
        var paused: Bool
        var by_state: [String: Int]
    }

    struct Stack: Codable {
        struct Limit: Codable {
            var scope: String
            var used: Int
            var limit: Int
        }

        var key: String
        var type: String
        var queue: String
        var organization: String
        var registered: Bool
        var connected: Bool
        @Nullable var last_polled_at: Date?
        var limits: [Limit]
    }

    struct Requests: Codable {
        var count: Int
        var rate_limited: Int
        var faulty: Int
    }

    var clock: ClockDocument
    var job_events: Int
    var by_state: [String: Int]
    var organizations: List<Organization>
    var queues: List<Queue>
    var stacks: List<Stack>
    var agents: List<AgentDocument>
    var live_agents: Int
    var faults: List<FaultListDocument>
    var pending_arrivals: Int
    @Nullable var next_arrival_at: Date?
    var rate_limits: Bool
    var requests: Requests
    var last_request: Int

    init(_ overview: SimulatorOverview, isManual: Bool) {
        func named(_ counts: [SimulatedJob.State: Int]) -> [String: Int] {
            Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, $0.value) })
        }
        clock = ClockDocument(isManual: isManual, now: overview.date)
        job_events = overview.jobEvents
        by_state = named(overview.jobs)
        organizations = List(overview.organizations) { Organization(slug: $0.slug, available: $0.isAvailable) }
        queues = List(overview.queues) {
            Queue(key: $0.key, organization: $0.organization, paused: $0.isPaused, by_state: named($0.jobs))
        }
        stacks = List(overview.stacks) { stack in
            Stack(
                key: stack.stack.key, type: stack.stack.type, queue: stack.stack.queue,
                organization: stack.organization,
                registered: stack.stack.isRegistered, connected: stack.stack.isConnected,
                last_polled_at: stack.stack.lastPolledAt,
                limits: stack.limits.map { Stack.Limit(scope: $0.scope, used: $0.used, limit: $0.limit) })
        }
        agents = List(overview.agents, AgentDocument.init)
        live_agents = overview.liveAgents
        faults = List(overview.faults) { FaultListDocument(number: $0.number, $0.fault) }
        pending_arrivals = overview.pendingArrivals
        next_arrival_at = overview.nextArrival
        rate_limits = overview.enforcesRateLimits
        requests = Requests(
            count: overview.requests, rate_limited: overview.rateLimitedRequests, faulty: overview.faultyRequests)
        last_request = overview.lastRequest
    }
}
