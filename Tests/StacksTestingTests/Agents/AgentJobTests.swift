import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("An agent's job")
struct AgentJobTests {
    @Test("a job goes through accepted and running to finished, with what its agent says of its end")
    func life() throws {
        let agent = try AgentScenario()
        let token = try agent.connected()
        #expect(try agent.send(.put, "acquire", token: token).json["state"] == "accepted")
        #expect(try agent.send(.put, "accept", token: token).json["id"] == .string(agent.job))
        #expect(try agent.send(.put, "start", ["started_at": "2026-01-01T00:00:00Z"], token: token).status == 200)
        #expect(try agent.send(.get, "", token: token).json == ["id": .string(agent.job), "state": "running"])
        let finish: JSON = [
            "exit_status": "3", "signal": "SIGKILL", "signal_reason": "agent_stop",
            "finished_at": "2026-01-01T00:00:02.5Z", "chunks_failed_count": 2, "ignore_agent_in_dispatches": true,
        ]
        #expect(try agent.finish(finish, token: token).json["state"] == "finished")
        let job = try agent.current()
        #expect(job.exitStatus == 3)
        #expect(job.signal == "SIGKILL")
        #expect(job.signalReason == "agent_stop")
        #expect(job.failedLogChunks == 2)
        #expect(job.agent == agent.simulator.agents[0].id)
        #expect((job.launches, job.starts, job.finishes) == (1, 1, 1))
        #expect(
            job.history.map(\.kind) == [
                .created, .reserved, .tokenIssued, .agentRegistered, .acquired, .accepted, .started, .finished,
            ])
        #expect(try agent.scenario.send(.post, "disconnect", token: token).status == 200)
        #expect(try agent.finish(token: token).status == 422)
    }

    @Test("the environment has what an agent needs to run the command without a checkout")
    func environment() throws {
        var template = SimulatedJob.Template()
        template.command = "make \"test\""
        template.environment = ["MINE": "1", "BUILDKITE_BRANCH": "mine"]
        template.stepKey = "test"
        let agent = try AgentScenario(template: template)
        let response = try agent.send(.put, "acquire", token: try agent.connected())
        let env = response.json["env"]
        let registered = agent.simulator.agents[0]
        let listing = try agent.current().listing
        let expected: [String: String?] = [
            "BUILDKITE_COMMAND": "make \"test\"", "BUILDKITE_JOB_ID": agent.job,
            "BUILDKITE_BUILD_ID": listing.buildUUID, "BUILDKITE_BUILD_NUMBER": "1", "BUILDKITE_PIPELINE_SLUG": "demo",
            "BUILDKITE_ORGANIZATION_SLUG": "acme", "BUILDKITE_AGENT_NAME": registered.name,
            "BUILDKITE_AGENT_ID": registered.id, "BUILDKITE_STEP_KEY": "test", "BUILDKITE_SKIP_CHECKOUT": "true",
            "BUILDKITE_BRANCH": "mine", "MINE": "1",
        ]
        for (name, value) in expected { #expect(env[name].text == value, "\(name)") }
        for name in ["BUILDKITE_PIPELINE_PROVIDER", "BUILDKITE_COMMIT", "BUILDKITE_REPO", "BUILDKITE_BOOTSTRAP_PHASES"]
        {
            #expect(env[name].text?.isEmpty == false, "\(name)")
        }
        #expect(response.json["chunks_max_size_bytes"] == 102_400)
        #expect(response.json["step"]["command"] == "make \"test\"")
    }

    @Test("a job with a repository is checked out")
    func checkout() throws {
        var template = SimulatedJob.Template()
        template.environment = ["BUILDKITE_REPO": "https://example.com/repo.git"]
        let agent = try AgentScenario(template: template)
        let env = try agent.send(.put, "acquire", token: try agent.connected()).json["env"]
        #expect(env["BUILDKITE_REPO"] == "https://example.com/repo.git")
        #expect(env["BUILDKITE_SKIP_CHECKOUT"] == .null)
        #expect(env["BUILDKITE_BOOTSTRAP_PHASES"] == .null)
    }

    @Test("an agent whose responses were lost acquires and starts again, which is no second launch")
    func repeated() throws {
        let agent = try AgentScenario()
        let token = try agent.connected()
        for action in ["acquire", "acquire", "start", "start"] {
            #expect(try agent.send(.put, action, token: token).status == 200)
        }
        #expect(try agent.send(.put, "acquire", token: token).status == 422)
        try agent.finish(token: token)
        let job = try agent.current()
        #expect((job.launches, job.starts, job.finishes) == (1, 1, 1))
    }

    @Test("an agent learns of a cancellation and of a timeout by asking for the state", arguments: [false, true])
    func cancellation(isTimeout: Bool) throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        if isTimeout {
            agent.simulator.move(agent.job, to: .timingOut)
        } else {
            agent.simulator.cancel(agent.job)
        }
        #expect(try agent.send(.get, "", token: token).json["state"] == "canceling")
        try agent.finish(["exit_status": "-1", "signal": "SIGTERM", "signal_reason": "cancel"], token: token)
        #expect(agent.state == (isTimeout ? .timedOut : .canceled))
        #expect(try agent.current().exitStatus == -1)
    }

    @Test("a job that was assigned to an agent is accepted by it")
    func assigned() throws {
        let agent = try AgentScenario()
        let token = try agent.acquired()
        agent.simulator.move(agent.job, to: .assigned)
        #expect(try agent.send(.put, "accept", token: token).status == 200)
        #expect(agent.state == .accepted)
        try agent.send(.put, "start", token: token)
        #expect(try agent.send(.put, "accept", token: token).status == 422)
    }

    @Test("a job promises that it will fail")
    func promise() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        let promise: JSON = ["exit_status": 2, "reason": "a test failed"]
        #expect(try agent.send(.put, "promise_failure", promise, token: token).status == 200)
        #expect(try agent.current().promisedFailure == .init(exitStatus: 2, reason: "a test failed"))
        #expect(agent.state == .running)
        #expect(try agent.send(.put, "promise_failure", ["exit_status": 0], token: token).status == 422)
    }

    @Test("the times of the log's sections come by and by")
    func headerTimes() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        for (key, time) in [("0", "2026-01-01T00:00:01.5Z"), ("1", "2026-01-01T00:00:02Z")] {
            let body: JSON = .object(["header_times": .object([key: .string(time)])])
            #expect(try agent.send(.post, "header_times", body, token: token).status == 200)
        }
        #expect(try agent.current().headerTimes == ["0": "2026-01-01T00:00:01.5Z", "1": "2026-01-01T00:00:02Z"])
    }

    @Test("faults strike an agent's operations like any other")
    func faults() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        agent.simulator.addFault(
            .init(
                .refuse(status: .tooManyRequests, message: "slow down", headerFields: [.retryAfter: "3"]),
                for: .agentFinish))
        let refused = try agent.finish(token: token)
        #expect(refused.status == 429)
        #expect(refused[header: "Retry-After"] == "3")
        #expect(agent.state == .running)
        #expect(try agent.finish(token: token).status == 200)
    }
}
