import HTTPTypes
import Hummingbird
import StacksTesting

/// Organizations, queues, stacks and agents.
extension ControlRoute {
    /// How many queues an organization can have.
    private static let largestQueueCount = 1000

    static let world: [ControlRoute] = [
        ControlRoute(
            .get, "organizations", "the organizations, of which the first one is the default", query: paging,
            documents: [[OrganizationDocument].self]
        ) { control, call in
            try control.json(control.simulator.organizations(call.page).map(OrganizationDocument.init))
        },
        ControlRoute(
            .get, "queues", "the queues", query: [.onlyOrganization] + paging, documents: [[QueueDocument].self]
        ) { control, call in
            try control.json(control.simulator.queues(call.page).map(QueueDocument.init))
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
            .get, "stacks", "the stacks that were ever registered", query: [.onlyOrganization] + paging,
            documents: [[StackDocument].self]
        ) { control, call in
            try control.json(control.simulator.stacks(call.page).map(StackDocument.init))
        },
        ControlRoute(
            .get, "agents", "the agents that have registered, and those that were played",
            query: [.onlyOrganization] + paging, documents: [[AgentDocument].self]
        ) { control, call in
            try control.json(control.simulator.agents(call.page).map(AgentDocument.init))
        },
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
}
