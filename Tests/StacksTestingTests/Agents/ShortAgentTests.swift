import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("Agents that do not register")
struct ShortAgentTests {
    @Test("an agent moves its job from reserved through accepted and running to finished")
    func life() throws {
        let scenario = try Scenario.registered()
        let id = scenario.simulator.addJobs(1)[0]
        let token = try scenario.reserveWithToken(id)
        let acquired = try scenario.agent("acquire", id, token: token)
        #expect(acquired.status == 200)
        #expect(acquired.json["command"] == "echo hello")
        #expect(scenario.state(id) == .accepted)
        #expect(try scenario.agent("start", id, token: token).json == ["id": .string(id), "state": "running"])
        #expect(try scenario.agent("finish", id, token: token, exitStatus: 3).json["state"] == "finished")
        let job = try #require(scenario.simulator.job(id))
        #expect(job.exitStatus == 3)
        #expect((job.launches, job.starts, job.finishes) == (1, 1, 1))
        #expect(
            job.history.map(\.state) == [
                .scheduled, .reserved, .reserved, .assigned, .accepted, .running, .finished,
            ])
    }

    @Test("its requests need no content type")
    func contentType() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let token = try scenario.reserveWithToken(job)
        try scenario.agent("acquire", job, token: token)
        try scenario.agent("start", job, token: token)
        let response = try scenario.send(
            .put, "jobs/\(job)/finish", raw: #"{"exit_status": 5}"#, token: token, headerFields: [.contentType: ""])
        #expect(response.status == 200)
        #expect(scenario.simulator.job(job)?.exitStatus == 5)
    }

    @Test("an acquired job stays with its agent after the reservation would have expired")
    func outlivesReservation() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let token = try scenario.reserveWithToken(job)
        try scenario.agent("acquire", job, token: token)
        scenario.clock.advance(by: .seconds(4000))
        #expect(try scenario.agent("start", job, token: token).status == 200)
        scenario.clock.advance(by: .seconds(4000))
        #expect(try scenario.agent("finish", job, token: token).status == 200)
    }

    @Test(
        "without the job's own token, an agent is refused", arguments: ["acquire", "start"])
    func credentials(action: String) throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(2)
        let token = try scenario.reserveWithToken(jobs[0])
        let other = try scenario.reserveWithToken(jobs[1])
        try scenario.agent("acquire", jobs[1], token: other)
        #expect(
            try scenario.send(.put, "jobs/\(jobs[0])/\(action)", headerFields: [.authorization: ""]).status == 401)
        for wrong in [scenario.simulator.token, other, "bkjat_wrong"] {
            #expect(try scenario.agent(action, jobs[0], token: wrong).status == 401)
        }
        #expect(try scenario.agent("acquire", jobs[0], token: token).status == 200)
    }

    @Test("a second acquisition gets a 422 and counts as a second launch")
    func acquiredTwice() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let token = try scenario.reserveWithToken(job)
        try scenario.agent("acquire", job, token: token)
        #expect(try scenario.agent("acquire", job, token: token).status == 422)
        #expect(scenario.simulator.job(job)?.launches == 2)
        #expect(scenario.simulator.report.launchedTwice == 1)
    }

    @Test("acquiring a cancelled job gets a 422")
    func cancelledBefore() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let token = try scenario.reserveWithToken(job)
        scenario.simulator.cancel(job)
        #expect(try scenario.agent("acquire", job, token: token).status == 422)
        #expect(scenario.simulator.job(job)?.launches == 0)
    }

    @Test("acquiring a locked job gets a 423")
    func locked() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let token = try scenario.reserveWithToken(job)
        scenario.simulator.move(job, to: .limited)
        #expect(try scenario.agent("acquire", job, token: token).status == 423)
    }

    @Test("a job cannot be started or finished out of order")
    func outOfTurn() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let token = try scenario.reserveWithToken(job)
        #expect(try scenario.agent("start", job, token: token).status == 401)
        try scenario.agent("acquire", job, token: token)
        #expect(try scenario.agent("finish", job, token: token).status == 422)
        try scenario.agent("start", job, token: token)
        #expect(try scenario.agent("start", job, token: token).status == 422)
        try scenario.agent("finish", job, token: token)
        #expect(try scenario.agent("finish", job, token: token).status == 422)
        #expect(scenario.simulator.job(job)?.finishes == 1)
        #expect(scenario.simulator.report.launchedTwice == 1)
    }

    @Test("a timing-out job is timed_out after its agent has finished it")
    func timingOut() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let token = try scenario.reserveWithToken(job)
        try scenario.agent("acquire", job, token: token)
        try scenario.agent("start", job, token: token)
        scenario.simulator.move(job, to: .timingOut)
        #expect(try scenario.agent("finish", job, token: token).json["state"] == "timed_out")
    }

    @Test("SimulatedAgent runs a job, and reports the exit status of a real agent when it is refused")
    func simulatedAgent() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(3)
        func agent(_ job: String) throws -> SimulatedAgent {
            SimulatedAgent(simulator: scenario.simulator, job: job, token: try scenario.reserveWithToken(job))
        }
        let first = try agent(jobs[0])
        try first.acquire()
        try first.start()
        try first.finish(exitStatus: 9)
        #expect(scenario.simulator.job(jobs[0])?.exitStatus == 9)

        let second = try agent(jobs[1])
        scenario.simulator.cancel(jobs[1])
        #expect(#expect(throws: SimulatedAgent.Refused.self) { try second.acquire() }?.exitStatus == 27)
        let third = try agent(jobs[2])
        scenario.simulator.move(jobs[2], to: .limited)
        #expect(#expect(throws: SimulatedAgent.Refused.self) { try third.acquire() }?.exitStatus == 28)
        #expect(!"\(third)".contains("bkjat_"))
        var dumped = ""
        dump(third, to: &dumped)
        #expect(!dumped.contains("bkjat_"))
    }
}
