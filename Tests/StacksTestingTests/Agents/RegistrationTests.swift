import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("Registering agents")
struct RegistrationTests {
    @Test("an agent gets an ID, a name, an access token and intervals")
    func response() throws {
        let agent = try AgentScenario {
            $0.agents.pingInterval = .seconds(4)
            $0.agents.jobStatusInterval = .seconds(5)
            $0.agents.heartbeatInterval = .seconds(60)
        }
        let response = try agent.register()
        #expect(response.status == 200)
        let json = response.json
        #expect(json["name"] == "mac-1")
        #expect(json["access_token"].text?.hasPrefix("bkaat_") == true)
        #expect(json["endpoint"] == "")
        #expect(
            [json["ping_interval"], json["job_status_interval"], json["heartbeat_interval"]] == [4, 5, 60])
        #expect(json["meta_data"] == ["queue=mac"])
        #expect(json["request_headers"] == [:])
        let registered = try #require(agent.simulator.agents.first)
        #expect(json["id"] == .string(registered.id))
        #expect(registered.job == agent.job)
        #expect(
            [registered.name, registered.hostname, registered.os, registered.version]
                == ["mac-1", "studio", "Darwin", "3.137.0"])
        #expect(registered.tags == ["queue=mac"])
        #expect(registered.state == .registered)
    }

    @Test(
        "an interval that no agent may be told is the nearest that one may", arguments: [(-5, 1), (0, 1), (9999, 3600)])
    func intervals(given: Int, told: Int) throws {
        let agent = try AgentScenario {
            $0.agents.pingInterval = .seconds(given)
            $0.agents.jobStatusInterval = .seconds(given)
            $0.agents.heartbeatInterval = .seconds(given)
        }
        let json = try agent.register().json
        let expected = JSON.number(Double(told))
        #expect(["ping", "job_status", "heartbeat"].allSatisfy { json["\($0)_interval"] == expected })
    }

    @Test("an agent connects, sends heartbeats, pings and disconnects")
    func life() throws {
        let agent = try AgentScenario()
        let token = try agent.connected()
        #expect(agent.simulator.agents[0].state == .connected)
        agent.clock.advance(by: .seconds(10))
        let sent = "2026-01-01T01:00:10.000000001+01:00"
        let beat = try agent.scenario.send(.post, "heartbeat", ["sent_at": .string(sent)], token: token)
        #expect(beat.json == ["sent_at": .string(sent), "received_at": "2026-01-01T00:00:10.000Z"])
        #expect(agent.simulator.agents[0].lastSeenAt == agent.clock.date)
        #expect(try agent.scenario.send(.get, "ping", token: token).json["action"] == "idle")
        #expect(try agent.scenario.send(.post, "disconnect", token: token).status == 200)
        #expect(agent.simulator.agents[0].state == .disconnected)
        #expect(try agent.scenario.send(.post, "heartbeat", ["sent_at": .string(sent)], token: token).status == 401)
    }

    @Test("a paused agent is told so until it is resumed or the time is over, and one that must stop to disconnect")
    func commands() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        func action() throws -> JSON { try agent.scenario.send(.get, "ping", token: token).json["action"] }
        let pause: JSON = ["note": "lunch", "timeout_in_minutes": 1]
        #expect(try agent.scenario.send(.post, "pause", pause, token: token).status == 200)
        #expect(try action() == "pause")
        agent.clock.advance(by: .seconds(60))
        #expect(try action() == "idle")
        try agent.scenario.send(.post, "pause", pause, token: token)
        #expect(try agent.scenario.send(.post, "resume", token: token).status == 200)
        #expect(try action() == "idle")
        try agent.scenario.send(.post, "stop", [:], token: token)
        #expect(try action() == "disconnect")
        #expect(agent.state == .running)
        try agent.scenario.send(.post, "stop", ["force": true], token: token)
        #expect(agent.state == .canceling)
    }

    @Test("a token registers one agent; an agent whose response was lost registers again, until it has connected")
    func once() throws {
        let agent = try AgentScenario()
        let lost = try #require(try agent.register().json["access_token"].text)
        let token = try agent.connected()
        #expect(try agent.scenario.send(.post, "connect", token: lost).status == 401)
        #expect(agent.simulator.agents.count == 1)

        let second = try agent.register()
        #expect(second.status == 401)
        #expect(second.message.hasPrefix("Another agent has registered"))
        #expect(try agent.current().launches == 1)
        try agent.send(.put, "acquire", token: token)
        #expect(agent.simulator.report.launchedTwice == 1)
    }

    @Test("with two tokens of a job two agents register, and one of them gets the job")
    func twoTokens() throws {
        let agent = try AgentScenario()
        let other = try #require(
            try agent.scenario.tokens([agent.job]).json["job_acquisition_tokens"][0]["job_acquisition_token"].text)
        let first = try agent.acquired()
        let second = try agent.register(other)
        #expect(second.status == 401)
        #expect(agent.simulator.report.launchedTwice == 1)
        #expect(try agent.send(.put, "start", token: first).status == 200)
    }

    @Test("other tokens register nothing")
    func wrongTokens() throws {
        let agent = try AgentScenario()
        for token in [agent.simulator.token, "bkjat_wrong", try agent.connected()] {
            #expect(try agent.register(token).status == 401)
        }
        #expect(try agent.scenario.send(.post, "register", [:], headerFields: [.authorization: ""]).status == 401)
        #expect(agent.simulator.agents.count == 1)
    }

    @Test("an unavailable organization has no agents either")
    func unavailable() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        agent.simulator.setUnavailable(true)
        #expect(try agent.register().status == 503)
        #expect(try agent.scenario.send(.get, "ping", token: token).status == 503)
        #expect(try agent.finish(token: token).status == 503)
        agent.simulator.setUnavailable(false)
        #expect(try agent.finish(token: token).status == 200)
    }

    @Test(
        "what the simulator does not have gets a 404 that says so", arguments: ["pipelines", "oidc/tokens", "secrets"])
    func missing(path: String) throws {
        let agent = try AgentScenario()
        let response = try agent.send(.post, path, [:], token: try agent.running())
        #expect(response.status == 404)
        #expect(response.message == "The simulator has no POST /v3/jobs/\(agent.job)/\(path).")
    }
}
