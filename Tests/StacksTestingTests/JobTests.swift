import HTTPTypes
import StacksTesting
import Testing

@Suite("Getting jobs")
struct JobTests {
    @Test("a job has its environment and command, however large")
    func get() throws {
        let scenario = try Scenario.registered()
        var template = SimulatedJob.Template()
        template.command = String(repeating: "é\"\\\u{1}", count: 50_000)
        template.environment = ["A": "1", "Ü": "\t"]
        let job = scenario.simulator.addJobs(template: template)[0]
        let response = try scenario.send(.get, "stacks/s/jobs/\(job)")
        #expect(response.status == 200)
        #expect(
            response.json == ["id": .string(job), "env": ["A": "1", "Ü": "\t"], "command": .string(template.command)])
    }

    @Test(
        "an unknown job gets a 404, an invalid UUID a 400", arguments: [(unknownUUID, 404), ("x", 400), ("a%2Eb", 400)])
    func refusals(id: String, status: Int) throws {
        #expect(try Scenario.registered().send(.get, "stacks/s/jobs/\(id)").status == status)
    }

    @Test("states are returned by UUID, also unknown states; unknown UUIDs are missing")
    func states() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(3)
        scenario.simulator.move(jobs[1], to: "hibernating")
        scenario.simulator.move(jobs[2], to: .timedOut)
        let response = try scenario.send(
            .post, "stacks/s/jobs/get-states", ["job_uuids": .strings(jobs + [unknownUUID])])
        #expect(response.status == 200)
        #expect(
            response.json == ["states": .object([jobs[0]: "scheduled", jobs[1]: "hibernating", jobs[2]: "timed_out"])])
    }

    @Test("requests for the states of 0 and of 1001 jobs are refused")
    func stateLimits() throws {
        let scenario = try Scenario.registered()
        let many = Array(repeating: unknownUUID, count: 1001)
        #expect(try scenario.send(.post, "stacks/s/jobs/get-states", ["job_uuids": []]).status == 400)
        #expect(try scenario.send(.post, "stacks/s/jobs/get-states", ["job_uuids": .strings(many)]).status == 422)
    }

    @Test("a cancelled job is canceled, a running one canceling until its agent has finished it")
    func cancelling() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(4)
        try scenario.reserve([jobs[1]])
        let accepted = try scenario.reserveWithToken(jobs[2])
        try scenario.agent("acquire", jobs[2], token: accepted)
        let running = try scenario.reserveWithToken(jobs[3])
        try scenario.agent("acquire", jobs[3], token: running)
        try scenario.agent("start", jobs[3], token: running)
        for job in jobs { #expect(scenario.simulator.cancel(job)) }
        #expect(jobs.map(scenario.state) == [.canceled, .canceled, .canceled, .canceling])
        #expect(try scenario.agent("start", jobs[2], token: accepted).status == 422)
        #expect(try scenario.agent("finish", jobs[3], token: running, exitStatus: 1).json["state"] == "canceled")
        #expect(!scenario.simulator.cancel(jobs[3]))
        #expect(!scenario.simulator.cancel(unknownUUID))
    }
}
