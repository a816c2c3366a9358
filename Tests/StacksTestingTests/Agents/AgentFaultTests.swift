import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("Faults of an agent's requests")
struct AgentFaultTests {
    private static let operations = SimulatedOperation.allCases.filter(\.isAgentRequest)

    /// An agent's request, from where it succeeds; it gives the status of the response.
    private func perform(_ operation: SimulatedOperation, _ agent: AgentScenario) throws -> () -> Int? {
        let job = "jobs/\(agent.job)"
        func with(_ token: String, _ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil) -> () -> Int? {
            { (try? agent.scenario.send(method, path, body, token: token))?.status }
        }
        switch operation {
        case .agentRegister: return with(agent.token, .post, "register", AgentScenario.registration)
        case .agentConnect: return with(try agent.connected(), .post, "connect")
        case .agentHeartbeat:
            return with(try agent.connected(), .post, "heartbeat", ["sent_at": "2026-01-01T00:00:00Z"])
        case .agentPing: return with(try agent.connected(), .get, "ping")
        case .agentStop: return with(try agent.connected(), .post, "stop")
        case .agentPause: return with(try agent.connected(), .post, "pause")
        case .agentResume: return with(try agent.connected(), .post, "resume")
        case .agentDisconnect: return with(try agent.connected(), .post, "disconnect")
        case .agentAcquire: return with(try agent.connected(), .put, "\(job)/acquire")
        case .agentAccept: return with(try agent.acquired(), .put, "\(job)/accept")
        case .agentStart: return with(try agent.acquired(), .put, "\(job)/start")
        case .agentJobState: return with(try agent.acquired(), .get, job)
        case .agentLogChunk:
            let token = try agent.running()
            return { (try? agent.chunk([65], sequence: 1, offset: 0, token: token))?.status }
        case .agentHeaderTimes:
            return with(
                try agent.running(), .post, "\(job)/header_times", ["header_times": ["0": "2026-01-01T00:00:00Z"]])
        case .agentPromiseFailure:
            return with(try agent.running(), .put, "\(job)/promise_failure", ["exit_status": 1])
        case .agentFinish: return with(try agent.running(), .put, "\(job)/finish", ["exit_status": "1"])
        case .agentSetMetaData:
            return with(try agent.running(), .post, "\(job)/data/set", ["key": "a", "value": "b"])
        case .agentSetMetaDataBatch: return with(try agent.running(), .post, "\(job)/data/set-batch", ["items": []])
        case .agentGetMetaData:
            let token = try agent.running()
            try agent.send(.post, "data/set", ["key": "a", "value": "b"], token: token)
            return with(token, .post, "\(job)/data/get", ["key": "a"])
        case .agentMetaDataExists: return with(try agent.running(), .post, "\(job)/data/exists", ["key": "a"])
        case .agentMetaDataKeys: return with(try agent.running(), .post, "\(job)/data/keys")
        case .agentAnnotate: return with(try agent.running(), .post, "\(job)/annotations", ["body": "x"])
        case .agentRemoveAnnotation:
            let token = try agent.running()
            try agent.send(.post, "annotations", ["body": "x", "context": "c"], token: token)
            return with(token, .delete, "\(job)/annotations/c")
        case .agentCreateArtifacts: return with(try agent.running(), .post, "\(job)/artifacts", ["artifacts": []])
        case .agentUpdateArtifacts: return with(try agent.running(), .put, "\(job)/artifacts", ["artifacts": []])
        case .agentUploadArtifact:
            let token = try agent.running()
            let batch = try agent.send(.post, "artifacts", ["artifacts": []], token: token).json["id"].text ?? ""
            return with(token, .post, "artifacts/\(batch)")
        case .agentSearchArtifacts:
            let build = try #require(try agent.current().listing.buildUUID)
            return with(try agent.running(), .get, "builds/\(build)/artifacts/search?query=*")
        default: return { nil }
        }
    }

    @Test("each operation by its name: once refused, and nothing of it done, then as ever", arguments: operations)
    func refused(operation: SimulatedOperation) throws {
        let agent = try AgentScenario()
        let request = try perform(operation, agent)
        let before = (agent.state, try agent.current().history.count, agent.simulator.agents)
        agent.simulator.addFault(.init(.refuse(status: .serviceUnavailable, message: "later"), for: operation))
        #expect(request() == 503)
        #expect(before == (agent.state, try agent.current().history.count, agent.simulator.agents))
        let status = try #require(request())
        #expect((200..<300).contains(status), "\(status)")
    }

    @Test("each operation by its name: its JSON is cut off, if its response has a body", arguments: operations)
    func malformed(operation: SimulatedOperation) throws {
        let agent = try AgentScenario()
        let request = try perform(operation, agent)
        agent.simulator.addFault(.init(.malformedJSON, for: operation))
        let status = try #require(request())
        #expect((status != 204) == operation.hasContent, "\(status)")
    }

    @Test("each operation by its name: done, and its response lost", arguments: operations)
    func lost(operation: SimulatedOperation) throws {
        let agent = try AgentScenario()
        let request = try perform(operation, agent)
        agent.simulator.addFault(.init(.dropResponse, for: operation))
        #expect(request() == nil)
        var filter = SimulatedRequest.Filter()
        filter.operation = operation
        let entry = try #require(agent.simulator.requests(filter).last)
        #expect(entry.hadFault && entry.status == nil)
        #expect(agent.simulator.faults.isEmpty)
    }

    @Test("a fault for agents spares stacks, and one for stacks spares agents")
    func sides() throws {
        let agent = try AgentScenario()
        func fault(_ side: SimulatorFault.Side) -> SimulatorFault {
            var fault = SimulatorFault(.html(), count: nil)
            fault.side = side
            return fault
        }
        agent.simulator.addFault(fault(.agents))
        #expect(try agent.register().status == 502)
        #expect(try agent.scenario.list().status == 200)
        #expect(agent.simulator.faults.map(\.side) == [.agents])
        agent.simulator.removeFaults()
        agent.simulator.addFault(fault(.stacks))
        #expect(try agent.register().status == 200)
        #expect(try agent.scenario.list().status == 502)
    }

    @Test("a fault for a job is for its path and its agent, and for no other job")
    func job() throws {
        let agent = try AgentScenario()
        let scenario = agent.scenario
        let other = scenario.simulator.addJobs(1)[0]
        let otherToken = try scenario.reserveWithToken(other)
        var fault = SimulatorFault(.refuse(status: .tooManyRequests, message: "slow"), count: nil)
        fault.job = agent.job.uppercased()
        scenario.simulator.addFault(fault)
        #expect(try agent.register().status == 429)
        #expect(try scenario.send(.get, "stacks/s/jobs/\(agent.job)").status == 429)
        #expect(try scenario.send(.get, "stacks/s/jobs/\(other)").status == 200)
        #expect(try agent.register(otherToken).status == 200)
        #expect(try scenario.list().status == 200)
    }

    @Test("a fault for a stack, or an organization, is for no other")
    func others() throws {
        let scenario = Scenario { $0.organizations = [.init(), .init(slug: "globex")] }
        let globex = try #require(scenario.simulator.token(organization: "globex"))
        for token in [nil, globex] {
            try scenario.register("s", token: token)
            try scenario.register("t", token: token)
        }
        func statuses() throws -> [Int] {
            try [nil, globex].flatMap { token in
                try ["s", "t"].map { stack in
                    try scenario.send(.get, "stacks/\(stack)/scheduled-jobs?queue_key=_default", token: token).status
                }
            }
        }
        var fault = SimulatorFault(.html(), count: nil)
        fault.stack = "t"
        scenario.simulator.addFault(fault)
        #expect(try statuses() == [200, 502, 200, 502])
        scenario.simulator.removeFaults()
        fault.organization = "globex"
        scenario.simulator.addFault(fault)
        #expect(try statuses() == [200, 200, 200, 502])
        scenario.simulator.removeFaults()
        fault.stack = nil
        scenario.simulator.addFault(fault)
        #expect(try statuses() == [200, 200, 502, 502])
        // An organization is known by a token that is good.
        #expect(try scenario.send(.get, "token", token: "bkct_nobody").status == 401)
    }
}
