import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("What an agent's tokens are good for")
struct AgentTokenTests {
    @Test("an acquisition token dies with its time, before an agent has registered")
    func expired() throws {
        let agent = try AgentScenario(lifetime: 60)
        agent.clock.advance(by: .seconds(60))
        let response = try agent.register()
        #expect(response.status == 401)
        #expect(response.message == "The job acquisition token has expired.")
    }

    @Test("an agent that registered in time acquires the job afterwards too")
    func registeredInTime() throws {
        let agent = try AgentScenario(lifetime: 60)
        let token = try agent.connected()
        agent.clock.advance(by: .seconds(61))
        #expect(try agent.send(.put, "acquire", token: token).status == 200)
    }

    @Test("it dies with its reservation, and an agent that has registered gets a 422")
    func reservation() throws {
        let agent = try AgentScenario { $0.agents.lostAfter = .seconds(3600) }
        let token = try agent.connected()
        agent.clock.advance(by: .seconds(900))
        #expect(agent.state == .scheduled)
        let acquisition = try agent.send(.put, "acquire", token: token)
        #expect(acquisition.status == 422)
        #expect(acquisition.message == "The reservation for which the agent registered has ended.")

        let late = try AgentScenario(lifetime: 3600)
        late.clock.advance(by: .seconds(900))
        #expect(try late.register().status == 401)
    }

    @Test("it dies with its job")
    func job() throws {
        let agent = try AgentScenario()
        agent.simulator.cancel(agent.job)
        let response = try agent.register()
        #expect(response.status == 401)
        #expect(response.message == "The job of the token is canceled.")
    }

    @Test("the token of a job that is locked meanwhile registers, so that its agent is told to wait")
    func locked() throws {
        let agent = try AgentScenario { $0.agents.lockedRetryAfter = .seconds(7) }
        agent.simulator.move(agent.job, to: .limited)
        let token = try agent.connected()
        let response = try agent.send(.put, "acquire", token: token)
        #expect(response.status == 423)
        #expect(response[header: "Retry-After"] == "7")
        agent.simulator.move(agent.job, to: .scheduled)
        #expect(try agent.send(.put, "acquire", token: token).status == 422)
    }

    @Test("an access token is good for its agent and its job alone")
    func otherAgents() throws {
        let first = try AgentScenario()
        let scenario = first.scenario
        let other = scenario.simulator.addJobs(1)[0]
        let otherToken = try scenario.reserveWithToken(other)
        let access = try first.running()
        let otherAccess = try #require(
            try scenario.send(.post, "register", AgentScenario.registration, token: otherToken).json["access_token"]
                .text)
        for (token, job) in [(access, other), (otherAccess, first.job)] {
            for (method, action) in [("PUT", "acquire"), ("PUT", "start"), ("GET", "")] {
                let path = action.isEmpty ? "jobs/\(job)" : "jobs/\(job)/\(action)"
                let response = try scenario.send(method == "GET" ? .get : .put, path, token: token)
                #expect(response.status == 401)
            }
            #expect(try scenario.send(.put, "jobs/\(job)/finish", ["exit_status": "0"], token: token).status == 401)
        }
        #expect(first.state == .running)
        #expect(scenario.state(other) == .reserved)
    }

    @Test("after an agent has registered, the acquisition token acquires nothing itself")
    func tokenIsUsed() throws {
        let agent = try AgentScenario()
        _ = try agent.connected()
        #expect(try agent.send(.put, "acquire", token: agent.token).status == 401)
    }

    @Test("an access token cannot do what a stack can")
    func stack() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        #expect(try agent.scenario.send(.get, "token", token: token).status == 401)
        #expect(
            try agent.scenario.send(.get, "stacks/s/scheduled-jobs?queue_key=_default", token: token).status == 401)
    }
}
