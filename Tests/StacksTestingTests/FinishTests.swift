import HTTPTypes
import StacksTesting
import Testing

@Suite("Finishing a job as a stack")
struct FinishTests {
    @Test("a reserved job is finished with exit status and detail", arguments: [0, 1, -1])
    func finishes(exitStatus: Int) throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        try scenario.reserve([job])
        #expect(try scenario.finish(job, exitStatus: exitStatus, detail: "why").status == 200)
        #expect(scenario.state(job) == .finished)
        #expect(scenario.simulator.job(job)?.exitStatus == exitStatus)
        #expect(scenario.simulator.job(job)?.detail == "why")
    }

    @Test("a missing exit status is -1")
    func defaultStatus() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        try scenario.send(.post, "stacks/s/jobs/\(job)/finish", ["detail": ""])
        #expect(scenario.simulator.job(job)?.exitStatus == -1)
    }

    @Test("a second finish gets a 422 and changes nothing")
    func atMostOnce() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        try scenario.finish(job, exitStatus: 1)
        #expect(try scenario.finish(job, exitStatus: 2).status == 422)
        let after = try #require(scenario.simulator.job(job))
        #expect((after.exitStatus, after.finishes, after.finishAttempts) == (1, 1, 2))
    }

    @Test("a stack cannot finish a job of another stack, with an agent, or that has ended")
    func refusals() throws {
        let scenario = try Scenario.registered()
        try scenario.register("t")
        let jobs = scenario.simulator.addJobs(3)
        try scenario.reserve([jobs[0]], stack: "t")
        let token = try scenario.reserveWithToken(jobs[1])
        try scenario.agent("acquire", jobs[1], token: token)
        scenario.simulator.cancel(jobs[2])
        for job in jobs { #expect(try scenario.finish(job).status == 422) }
        #expect(jobs.map(scenario.state) == [.reserved, .accepted, .canceled])
        #expect(try scenario.finish(unknownUUID).status == 404)
    }

    @Test("a detail has at most 4096 bytes, not characters")
    func detailLimit() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(2)
        #expect(try scenario.finish(jobs[0], detail: String(repeating: "é", count: 2048)).status == 200)
        #expect(try scenario.finish(jobs[1], detail: String(repeating: "é", count: 2048) + "x").status == 422)
        #expect(scenario.state(jobs[1]) == .scheduled)
    }

    @Test(
        "an invalid body is refused, and the error names what is wrong",
        arguments: [
            (#"{"exit_status": 1}"#, "detail"), (#"{"exit_status": "1", "detail": ""}"#, "exit_status"),
            (#"{"exit_status": 1.5, "detail": ""}"#, "integer"), (#"{"detail": null}"#, "detail"),
            (#"[]"#, "object"), (#"{"detail":"#, "JSON"), ("", "body"),
        ])
    func shapes(body: String, named: String) throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let response = try scenario.send(.post, "stacks/s/jobs/\(job)/finish", raw: body)
        #expect(response.status == 400)
        #expect(response.message.contains(named))
        #expect(scenario.state(job) == .scheduled)
    }

    @Test("finishing revokes the tokens of the job")
    func tokens() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let token = try scenario.reserveWithToken(job)
        try scenario.finish(job)
        #expect(try scenario.agent("acquire", job, token: token).status == 422)
    }
}
