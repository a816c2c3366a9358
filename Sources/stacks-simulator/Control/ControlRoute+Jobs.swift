import HTTPTypes
import StacksTesting

extension ControlRoute {
    static let jobs: [ControlRoute] = [
        ControlRoute(
            .post, "jobs", "adds jobs", body: AddJobsDocument.members, status: .created,
            documents: [AddedJobsDocument.self]
        ) { control, call in
            let request = try call.read(AddJobsDocument.self)
            let (count, queue) = (request.count ?? 1, request.queue ?? "_default")
            try request.template.checkSize(count: count, queue: queue, isPlayed: control.simulator.playsJobs)
            let jobs = control.simulator.addJobs(
                count, toQueue: queue, organization: request.organization, template: request.template)
            guard let jobs else { throw control.missing(queue, of: request.organization) }
            return try control.json(AddedJobsDocument(jobs: jobs), status: .created)
        },
        ControlRoute(
            .get, "jobs/:job", "a job as listed, with its state, history and run", documents: [JobDocument.self]
        ) { control, call in
            try control.json(JobDocument(try control.job(call)))
        },
        ControlRoute(
            .post, "jobs/:job/cancel", "cancels a job, as a person does", documents: [JobDocument.self]
        ) { control, call in
            try control.json(JobDocument(try control.job(call) { control.simulator.cancelJob($0) }))
        },
        ControlRoute(
            .post, "jobs/:job/move", "moves a job to any state, without checking the transition",
            body: [.state(isRequired: true), .allowUnknownState], documents: [JobDocument.self]
        ) { control, call in
            let state = SimulatedJob.State(rawValue: try call.read(MoveDocument.self).state)
            return try control.json(JobDocument(try control.job(call) { control.simulator.moveJob($0, to: state) }))
        },
    ]
}

extension ControlMember {
    static func state(isRequired: Bool) -> ControlMember {
        ControlMember(
            name: "state", kind: .choice(SimulatedJob.State.known.map(\.rawValue)), isRequired: isRequired,
            openedBy: "allow_unknown_state")
    }

    static let allowUnknownState = ControlMember(
        name: "allow_unknown_state", kind: .truth, about: "whether state may be one that the API does not have")
}

extension SimulatedJob.Template {
    /// How many bytes jobs that are added at once may have together, as a listing has them and, if they are played, in their
    /// logs: the simulator keeps these bytes for each job.
    private static let largestSize = 1 << 30

    /// - Parameter name: What the number of jobs is called.
    func checkSize(
        count: Int, named name: String = "count", queue: String, isPlayed: Bool
    ) throws(ControlFailure) {
        let size = listedSize(queue: queue) + (isPlayed ? logSize : 0)
        guard count <= Self.largestSize / size else {
            throw .badRequest(
                "\(name) is \(count), of jobs of \(size) bytes each as a listing has them"
                    + (isPlayed ? " and in their logs" : "")
                    + "; together they must have at most \(Self.largestSize) bytes.")
        }
    }
}
