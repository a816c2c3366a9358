import HTTPTypes
import Hummingbird
import StacksTesting

extension ControlRoute {
    /// Every path. There is no other place that tells them apart.
    static let all: [ControlRoute] =
        [
            ControlRoute(.get, "", "this list", content: .text) { control, _ in control.text(control.index) },
            ControlRoute(.get, "openapi.json", "a description of this side for programs") { control, _ in
                try control.json(description(for: control.simulator))
            },
            ControlRoute(.get, "report", "counts of jobs, requests and connections, and the dispatch latency") {
                control, _ in
                try control.json(ReportDocument(control.simulator.report, connections: control.connections.snapshot))
            },
        ] + page + journal + clock + arrivals + jobLists + jobs + world + faults

    // MARK: Jobs

    private static let jobs: [ControlRoute] = [
        ControlRoute(.post, "jobs", "adds jobs", body: AddJobsDocument.members, status: .created) { control, call in
            let request = try call.read(AddJobsDocument.self)
            try control.requireQueue(request.queue, organization: request.organization)
            let jobs = control.simulator.addJobs(
                request.count ?? 1, queue: request.queue ?? "_default", organization: request.organization,
                template: request.template)
            return try control.json(["jobs": jobs], status: .created)
        },
        ControlRoute(.get, "jobs/:job", "a job as listed, with its state, history and run") { control, call in
            try control.json(JobDocument(try control.job(call)))
        },
        ControlRoute(.post, "jobs/:job/cancel", "cancels a job, as a person does") { control, call in
            let job = try control.job(call)
            control.simulator.cancel(job.id)
            return try control.json(JobDocument(try control.job(call)))
        },
        ControlRoute(
            .post, "jobs/:job/move", "moves a job to any state, without checking the transition",
            body: [.state(isRequired: true), .allowUnknownState]
        ) { control, call in
            let job = try control.job(call)
            let move = try call.read(MoveDocument.self)
            control.simulator.move(job.id, to: .init(rawValue: move.state))
            return try control.json(JobDocument(try control.job(call)))
        },
    ]

    static let stateNames = SimulatedJob.State.known.map(\.rawValue)

    // MARK: Organizations, queues, stacks, agents

    private static let world: [ControlRoute] = [
        ControlRoute(.get, "organizations", "the organizations, of which the first one is the default") { control, _ in
            try control.json(control.simulator.organizations.map(OrganizationDocument.init))
        },
        ControlRoute(.get, "queues", "the queues", query: [.onlyOrganization]) { control, call in
            try control.json(
                control.simulator.queues.filter { call.isFor($0.organization) }.map(QueueDocument.init))
        },
        ControlRoute(
            .post, "queues", "adds a queue",
            body: [ControlMember(name: "key", kind: .text(1...200), isRequired: true), .organization],
            status: .noContent
        ) { control, call in
            let queue = try call.read(NewQueueDocument.self)
            control.simulator.addQueue(queue.key, organization: queue.organization)
            return Response(status: .noContent)
        },
        pausing("pause", true), pausing("resume", false),
        ControlRoute(.get, "stacks", "the stacks that were ever registered", query: [.onlyOrganization]) {
            control, call in
            try control.json(
                control.simulator.stacks.filter { call.isFor($0.organization) }.map(StackDocument.init))
        },
        ControlRoute(.get, "agents", "the agents that have registered", query: [.onlyOrganization]) { control, call in
            try control.json(
                control.simulator.agents.filter { call.isFor($0.organization) }.map(AgentDocument.init))
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
            control.simulator.reset(seed: seed.map { UInt64($0) })
            control.connections.reset()
            control.populate(control.simulator)
            return Response(status: .noContent)
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

    // MARK: Faults

    private static let faults: [ControlRoute] = [
        ControlRoute(.get, "faults", "the faults that are on, with what remains of them") { control, _ in
            try control.json(control.simulator.numberedFaults.map(FaultListDocument.init))
        },
        ControlRoute(.post, "faults", "adds a fault", body: FaultDocument.members, status: .noContent) {
            control, call in
            control.simulator.addFault(try call.read(FaultDocument.self).fault)
            return Response(status: .noContent)
        },
        ControlRoute(.delete, "faults", "removes all faults", status: .noContent) { control, _ in
            control.simulator.removeFaults()
            return Response(status: .noContent)
        },
        ControlRoute(.delete, "faults/:fault", "removes a fault, by its number", status: .noContent) { control, call in
            let number = call.values["fault"] ?? ""
            guard let number = Int(number), control.simulator.removeFault(number) else {
                throw ControlFailure.notFound("There is no fault \(ControlValue.text(number).shown).")
            }
            return Response(status: .noContent)
        },
    ]
}

extension ControlMember.Kind {
    /// The key of a queue, or an alias of the default one.
    static let queue = ControlMember.Kind.known { $0.queues.map(\.key) + ["_default", "__default__"] }
    /// The slug of an organization.
    static let organization = ControlMember.Kind.known { $0.organizations.map(\.slug) }
}

extension ControlMember {
    static let organization = ControlMember(
        name: "organization", kind: .organization, about: "the slug; the first one when left out")
    static let onlyOrganization = ControlMember(
        name: "organization", kind: .organization, about: "only what belongs to this one; all when left out")

    static func state(isRequired: Bool) -> ControlMember {
        ControlMember(
            name: "state", kind: .choice(ControlRoute.stateNames), isRequired: isRequired,
            openedBy: "allow_unknown_state")
    }

    static let allowUnknownState = ControlMember(
        name: "allow_unknown_state", kind: .truth, about: "whether state may be one that the API does not have")
}
