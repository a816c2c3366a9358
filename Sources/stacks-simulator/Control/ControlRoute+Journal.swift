import HTTPTypes
import StacksTesting

extension ControlRoute {
    static let journal: [ControlRoute] = [
        ControlRoute(
            .get, "requests", "the journal: the requests of stacks and agents, and the responses to them",
            query: [
                ControlMember(name: "operation", kind: .choice(SimulatedOperation.allCases.map(\.rawValue))),
                .onlyOrganization, ControlMember(name: "stack", kind: .text(upTo: 200)),
                ControlMember(name: "agent", kind: .uuid), ControlMember(name: "job", kind: .uuid),
                ControlMember(name: "status", kind: .integer(100...599)),
                ControlMember(name: "since", kind: .date, about: "only requests of that time and later"),
                ControlMember(name: "after", kind: .integer(0...Int.max), about: "only requests after that number"),
                ControlMember(name: "limit", kind: .integer(1...10_000), about: "how many; 1000 when left out"),
                ControlMember(name: "newest", kind: .truth, about: "the last ones, and not the first ones"),
            ], documents: [JournalDocument.self]
        ) { control, call in
            var filter = SimulatedRequest.Filter()
            filter.operation = call.text("operation").flatMap(SimulatedOperation.init(rawValue:))
            filter.organization = call.text("organization")
            filter.stack = call.text("stack")
            filter.agent = call.text("agent")
            filter.job = call.text("job")
            filter.status = call.integer("status")
            filter.since = call.date("since")
            filter.after = call.integer("after")
            let found = control.simulator.requests(
                filter, limit: call.integer("limit") ?? 1000, newest: call.truth("newest") ?? false)
            return try control.json(
                JournalDocument(found.requests, hasMore: found.hasMore, dropped: found.dropped))
        },
        ControlRoute(
            .get, "checks", "which rules were kept, and for which jobs not",
            query: [
                .onlyOrganization,
                ControlMember(
                    name: "limit", kind: .integer(1...10_000), about: "how many violations of each; 1000 when left out"),
            ], documents: [ChecksDocument.self]
        ) { control, call in
            let checks = control.simulator.checks(
                organization: call.text("organization"), limit: call.integer("limit") ?? 1000)
            return try control.json(ChecksDocument(checks))
        },
    ]
}
