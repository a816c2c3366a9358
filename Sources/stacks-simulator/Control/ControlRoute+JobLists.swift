import HTTPTypes
import StacksTesting

extension ControlRoute {
    static let jobLists: [ControlRoute] = [
        ControlRoute(
            .get, "jobs", "the jobs, in the order in which they were added",
            query: [
                .onlyOrganization, ControlMember(name: "queue", kind: .queue, about: "only jobs of this queue"),
                ControlMember(name: "state", kind: .jobState, about: "only jobs in this state"),
                ControlMember(
                    name: "find", kind: .text(upTo: 200),
                    about: "only jobs with this text in their UUID, pipeline, branch, step, rules, stack or agent"),
                ControlMember(name: "after", kind: .uuid, about: "only jobs after the one with this UUID"),
                ControlMember(
                    name: "order", kind: .choice(JobQuery.Order.allCases.map(\.rawValue)),
                    about: "moved: the one with the latest event first"),
                ControlMember(name: "limit", kind: .integer(1...10_000), about: "how many; 1000 when left out"),
                ControlMember(name: "brief", kind: .truth, about: "without history and run"),
            ], documents: [JobListDocument<JobDocument>.self, JobListDocument<BriefJobDocument>.self]
        ) { control, call in
            var query = JobQuery()
            query.state = call.text("state").map(SimulatedJob.State.init(rawValue:))
            query.organization = call.text("organization")
            query.queue = call.text("queue")
            query.find = call.text("find")
            query.after = call.text("after")
            query.order = call.text("order").flatMap(JobQuery.Order.init(rawValue:)) ?? .added
            query.limit = call.integer("limit") ?? query.limit
            query.hasBuilds = call.truth("brief") != true
            if query.after != nil {
                guard query.order == .added else {
                    throw ControlFailure.badRequest("after is given, but it is only for the order added.")
                }
            }
            guard let (jobs, hasMore) = control.simulator.jobs(query) else {
                throw ControlFailure.badRequest(
                    "after is \(ControlValue.text(query.after ?? "").shown), which is no job's UUID.")
            }
            return query.hasBuilds
                ? try control.json(JobListDocument(jobs: jobs.map(JobDocument.init), has_more: hasMore))
                : try control.json(JobListDocument(jobs: jobs.map(BriefJobDocument.init), has_more: hasMore))
        },
        ControlRoute(
            .get, "jobs/:job/log", "a job's log",
            query: [
                ControlMember(name: "last", kind: .integer(1...(1 << 30)), about: "only that many bytes of its end")
            ], content: .text
        ) { control, call in
            control.log(of: try control.job(call), last: call.integer("last") ?? Int.max)
        },
    ]
}
