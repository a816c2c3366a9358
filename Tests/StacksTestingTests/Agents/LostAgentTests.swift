import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("Lost agents")
struct LostAgentTests {
    @Test("an agent whose heartbeats stop is lost, and its job has failed with -1")
    func lost() throws {
        let agent = try AgentScenario { $0.agents.lostAfter = .seconds(180) }
        let token = try agent.running()
        for _ in 0..<3 {
            agent.clock.advance(by: .seconds(179))
            try agent.scenario.send(.post, "heartbeat", ["sent_at": "2026-01-01T00:00:00Z"], token: token)
        }
        #expect(agent.state == .running)
        let lastSeenAt = agent.clock.date
        agent.clock.advance(by: .seconds(1000))

        let job = try agent.current()
        #expect(job.state == .finished)
        #expect(job.exitStatus == -1)
        #expect(job.finishes == 0)
        // By the clock, not by who looked first.
        #expect(job.date(of: .agentLost) == lastSeenAt.addingTimeInterval(180))
        #expect(agent.simulator.agents[0].state == .lost)
        #expect(agent.simulator.report.lost == 0)
    }

    @Test("a lost agent is told 401, and 422 about its job, which ends its repeating")
    func afterwards() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        agent.clock.advance(by: .seconds(180))
        #expect(try agent.scenario.send(.get, "ping", token: token).status == 401)
        #expect(try agent.finish(token: token).status == 422)
        #expect(try agent.chunk([1], sequence: 1, offset: 0, token: token).status == 422)
        #expect(try agent.current().finishAttempts == 0)
    }

    @Test(
        "a cancelled job of a lost agent is canceled, one that times out timed_out",
        arguments: [(SimulatedJob.State.canceling, SimulatedJob.State.canceled), (.timingOut, .timedOut)])
    func ending(state: SimulatedJob.State, after: SimulatedJob.State) throws {
        let agent = try AgentScenario()
        _ = try agent.running()
        agent.simulator.move(agent.job, to: state)
        agent.clock.advance(by: .seconds(180))
        #expect(agent.state == after)
    }

    @Test("an agent that leaves with its job fails it")
    func leaving() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        try agent.scenario.send(.post, "disconnect", token: token)
        #expect(agent.state == .finished)
        #expect(try agent.current().exitStatus == -1)
    }

    @Test("an agent that is lost before it has the job leaves it to its reservation")
    func beforeAcquisition() throws {
        let agent = try AgentScenario()
        _ = try agent.connected()
        agent.clock.advance(by: .seconds(180))
        #expect(agent.simulator.agents[0].state == .lost)
        #expect(agent.state == .reserved)
    }

    @Test("of many agents those are lost whose heartbeats stopped, each at its time")
    func many() throws {
        let agent = try AgentScenario { $0.agents.lostAfter = .seconds(60) }
        let scenario = agent.scenario
        let jobs = scenario.simulator.addJobs(20)
        for job in jobs {
            let token = try scenario.reserveWithToken(job)
            let response = try scenario.send(.post, "register", AgentScenario.registration, token: token)
            let access = try #require(response.json["access_token"].text)
            try scenario.send(.put, "jobs/\(job)/acquire", token: access)
            try scenario.send(.put, "jobs/\(job)/start", token: access)
            scenario.clock.advance(by: .seconds(1))
        }
        scenario.clock.advance(by: .seconds(49.5))
        #expect(scenario.simulator.agents.count { $0.state == .lost } == 10)
        #expect(jobs.count { scenario.state($0) == .finished } == 10)
        scenario.clock.advance(by: .seconds(10))
        #expect(scenario.simulator.agents.allSatisfy { $0.state == .lost })
    }
}
