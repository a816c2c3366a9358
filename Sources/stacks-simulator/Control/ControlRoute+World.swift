import HTTPTypes
import Hummingbird
import StacksTesting

/// Organizations, queues, stacks and agents.
extension ControlRoute {
    /// How many queues an organization can have.
    private static let largestQueueCount = 1000

    static let world: [ControlRoute] = [
        ControlRoute(
            .get, "organizations", "the organizations, of which the first one is the default", query: part,
            documents: [[OrganizationDocument].self]
        ) { control, call in
            try control.json(call.part(of: control.simulator.organizations).map(OrganizationDocument.init))
        },
        ControlRoute(
            .get, "queues", "the queues", query: [.onlyOrganization] + part, documents: [[QueueDocument].self]
        ) { control, call in
            let queues = control.simulator.queues.filter { call.isFor($0.organization) }
            return try control.json(call.part(of: queues).map(QueueDocument.init))
        },
        ControlRoute(
            .post, "queues", "adds a queue",
            body: [ControlMember(name: "key", kind: .text(1...200), isRequired: true), .organization],
            status: .noContent, failures: [.conflict]
        ) { control, call in
            let queue = try call.read(NewQueueDocument.self)
            let isThere = control.simulator.addQueue(
                queue.key, organization: queue.organization, atMost: largestQueueCount)
            guard isThere else {
                throw ControlFailure.conflict(
                    "\(ControlValue.text(queue.key).shown) would be one queue too many; an organization has at most "
                        + "\(largestQueueCount).")
            }
            return Response(status: .noContent)
        },
        pausing("pause", true), pausing("resume", false),
        ControlRoute(
            .get, "stacks", "the stacks that were ever registered", query: [.onlyOrganization] + part,
            documents: [[StackDocument].self]
        ) { control, call in
            let stacks = control.simulator.stacks.filter { call.isFor($0.organization) }
            return try control.json(call.part(of: stacks).map(StackDocument.init))
        },
        ControlRoute(
            .get, "agents", "the agents that have registered, and those that were played",
            query: [.onlyOrganization] + part, documents: [[AgentDocument].self]
        ) { control, call in
            let agents = control.simulator.agents.filter { call.isFor($0.organization) }
            return try control.json(call.part(of: agents).map(AgentDocument.init))
        },
        switching("rate-limits/on", "refuses requests beyond the limits") { $0.setEnforcesRateLimits(true) },
        switching("rate-limits/off", "refuses no requests for being too many") { $0.setEnforcesRateLimits(false) },
        outage("organization/available", "ends an outage", false),
        outage("organization/unavailable", "answers every request of an organization with 503", true),
        ControlRoute(
            .post, "reset", "makes everything as it was at the start",
            body: [
                ControlMember(
                    name: "seed", kind: .integer(0...Int.max), about: "another seed, for other UUIDs and job tokens")
            ], status: .noContent
        ) { control, call in
            let seed = try call.read(ResetDocument.self).seed
            control.simulator.reset(seed: seed.map { UInt64($0) }, start: control.start)
            control.connections.reset()
            return Response(status: .noContent)
        },
    ]

    /// What a list takes of which there can be many.
    static let part = [
        ControlMember(
            name: "skip", kind: .integer(0...Int.max), about: "how many are left out first; 0 when left out"),
        ControlMember(name: "limit", kind: .integer(1...10_000), about: "how many; 1000 when left out"),
    ]

    private static func pausing(_ verb: String, _ isPaused: Bool) -> ControlRoute {
        ControlRoute(
            .post, "queues/:queue/\(verb)", "\(verb)s the dispatch of a queue", body: [.organization],
            status: .noContent
        ) { control, call in
            let queue = call.values["queue"] ?? ""
            let organization = try call.read(OrganizationChoice.self).organization
            guard control.simulator.setPaused(isPaused, queue: queue, organization: organization) else {
                throw ControlFailure.notFound(
                    "There is no queue \(ControlValue.text(queue).shown); there is: \(control.queues(organization)).")
            }
            return Response(status: .noContent)
        }
    }

    private static func outage(_ path: String, _ about: String, _ isUnavailable: Bool) -> ControlRoute {
        ControlRoute(.post, path, about, body: [.organization], status: .noContent) { control, call in
            control.simulator.setUnavailable(
                isUnavailable, organization: try call.read(OrganizationChoice.self).organization)
            return Response(status: .noContent)
        }
    }

    private static func switching(
        _ path: String, _ about: String, _ perform: @escaping @Sendable (StacksSimulator) -> Void
    ) -> ControlRoute {
        ControlRoute(.post, path, about, status: .noContent) { control, _ in
            perform(control.simulator)
            return Response(status: .noContent)
        }
    }
}

extension ControlCall {
    /// The part of a list that the query asks for.
    func part<Element>(of all: [Element]) -> ArraySlice<Element> {
        all.dropFirst(integer("skip") ?? 0).prefix(integer("limit") ?? 1000)
    }
}
