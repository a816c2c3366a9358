import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("Requests of agents that are wrong")
struct HostileAgentTests {
    private struct Case: CustomTestStringConvertible {
        var path: String
        var body: String
        var member: String
        var status: Int
        var method: HTTPRequest.Method
        var testDescription: String { "\(path) \(body.prefix(60))" }

        init(
            _ path: String, _ body: String, _ member: String, status: Int = 400, method: HTTPRequest.Method = .post
        ) {
            self.path = path
            self.body = body
            self.member = member
            self.status = status
            self.method = method
        }
    }

    private static let long = String(repeating: "x", count: 2 << 20)
    private static let many = Array(repeating: "\"t\"", count: 1001).joined(separator: ",")

    private static let cases = [
        Case("heartbeat", #"{"sent_at": 7}"#, "sent_at"),
        Case("heartbeat", #"{}"#, "sent_at"),
        Case("heartbeat", #"{"sent_at": "yesterday"}"#, "sent_at"),
        Case("heartbeat", #"{"sent_at": "2026-01-01T00:00:00.Z"}"#, "sent_at"),
        Case("heartbeat", #"{"sent_at": "\#(long)"}"#, "sent_at"),
        Case("pause", #"{"timeout_in_minutes": "1"}"#, "timeout_in_minutes"),
        Case("pause", #"{"timeout_in_minutes": -1}"#, "timeout_in_minutes", status: 422),
        Case("pause", #"{"timeout_in_minutes": 9223372036854775807}"#, "timeout_in_minutes", status: 422),
        Case("pause", #"{"note": "\#(long)"}"#, "note", status: 422),
        Case("stop", #"{"force": "yes"}"#, "force"),
        Case("jobs/JOB/start", #"{"started_at": "x"}"#, "started_at", method: .put),
        Case("jobs/JOB/start", "[", "The body", method: .put),
        Case("jobs/JOB/finish", "", "The request has no body", method: .put),
        Case("jobs/JOB/finish", "{}", "exit_status", method: .put),
        Case("jobs/JOB/finish", #"{"exit_status": "three"}"#, "exit_status", method: .put),
        Case("jobs/JOB/finish", #"{"exit_status": "99999999999999999999"}"#, "exit_status", method: .put),
        Case("jobs/JOB/finish", #"{"exit_status": null}"#, "exit_status", method: .put),
        Case("jobs/JOB/finish", #"{"exit_status": "0", "signal": 9}"#, "signal", method: .put),
        Case("jobs/JOB/finish", #"{"exit_status": "0", "signal": "\#(long)"}"#, "signal", status: 422, method: .put),
        Case("jobs/JOB/finish", #"{"exit_status": "0", "finished_at": "x"}"#, "finished_at", method: .put),
        Case(
            "jobs/JOB/finish", #"{"exit_status": "0", "chunks_failed_count": -1}"#, "chunks_failed_count", status: 422,
            method: .put),
        Case("jobs/JOB/promise_failure", #"{"exit_status": "1"}"#, "exit_status", method: .put),
        Case(
            "jobs/JOB/promise_failure", #"{"exit_status": 1, "reason": "\#(long)"}"#, "reason", status: 422,
            method: .put),
        Case("jobs/JOB/header_times", #"{"header_times": []}"#, "header_times"),
        Case("jobs/JOB/header_times", #"{"header_times": {"0": "x"}}"#, "header_times.0"),
        Case(
            "jobs/JOB/header_times", #"{"header_times": {"\#(long)": "2026-01-01T00:00:00Z"}}"#, "header_times",
            status: 422),
        Case("jobs/JOB/header_times", #"{"header_times": {"\#(long)": 5}}"#, "header_times.x"),
        Case("jobs/JOB/data/set", #"{"value": "1"}"#, "key"),
        Case("jobs/JOB/data/set", #"{"key": "", "value": "1"}"#, "key", status: 422),
        Case("jobs/JOB/data/set", #"{"key": "\#(long)"}"#, "key", status: 422),
        Case("jobs/JOB/data/set", #"{"key": "k", "value": 1}"#, "value"),
        Case("jobs/JOB/data/set", #"{"key": "k", "value": "\#(long)"}"#, "value", status: 422),
        Case("jobs/JOB/data/set-batch", #"{"items": {}}"#, "items"),
        Case("jobs/JOB/data/set-batch", #"{"items": [{"value": "1"}]}"#, "items.0.key"),
        Case("jobs/JOB/data/get", #"{"key": ["k"]}"#, "key"),
        Case("jobs/JOB/data/exists", #"{"key": "\#(long)"}"#, "key", status: 422),
        Case("jobs/JOB/annotations", "{}", "body", status: 422),
        Case("jobs/JOB/annotations", #"{"body": "\#(long)"}"#, "body", status: 422),
        Case("jobs/JOB/annotations", #"{"body": "b", "context": "\#(long)"}"#, "context", status: 422),
        Case("jobs/JOB/annotations", #"{"body": "b", "style": "loud"}"#, "style", status: 422),
        Case("jobs/JOB/annotations", #"{"body": "b", "priority": 11}"#, "priority", status: 422),
        Case("jobs/JOB/annotations", #"{"body": "b", "priority": "high"}"#, "priority"),
        Case("jobs/JOB/annotations", #"{"body": "b", "scope": "world"}"#, "scope", status: 422),
        Case("jobs/JOB/artifacts", #"{"artifacts": 1}"#, "artifacts"),
        Case("jobs/JOB/artifacts", #"{"artifacts": [{"file_size": 1}]}"#, "artifacts.0.path"),
        Case("jobs/JOB/artifacts", #"{"artifacts": [{"path": "", "file_size": 1}]}"#, "artifacts.0.path", status: 422),
        Case(
            "jobs/JOB/artifacts", #"{"artifacts": [{"path": "p", "file_size": -1}]}"#, "artifacts.0.file_size",
            status: 422),
        Case(
            "jobs/JOB/artifacts", #"{"artifacts": [{"path": "\#(long)", "file_size": 1}]}"#, "artifacts.0.path",
            status: 422),
        Case(
            "jobs/JOB/artifacts", #"{"artifacts": [{"path": "p", "file_size": 1, "sha1sum": "\#(long)"}]}"#,
            "artifacts.0.sha1sum", status: 422),
        Case(
            "jobs/JOB/artifacts", #"{"artifacts": [{"id": "x", "state": "finished"}]}"#, "artifacts.0.id", status: 404,
            method: .put),
        Case(
            "jobs/JOB/artifacts", #"{"artifacts": [{"id": "x", "state": "gone"}]}"#, "artifacts.0.state", status: 422,
            method: .put),
    ]

    @Test("each gets an error that names the member, and changes nothing", arguments: cases)
    private func malformed(_ hostile: Case) throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        let response = try agent.scenario.send(
            hostile.method, hostile.path.replacing("JOB", with: agent.job), raw: hostile.body, token: token)
        #expect(response.status == hostile.status)
        #expect(response.message.hasPrefix(hostile.member), "\(response.message)")
        #expect(response.message.utf8.count < 300)
        #expect(agent.state == .running)
        let job = try agent.current()
        #expect(job.metaData.isEmpty && job.annotations.isEmpty && job.artifacts.isEmpty && job.headerTimes.isEmpty)
    }

    @Test(
        "so does a registration",
        arguments: [
            (#"{"name": 1}"#, "name"), (#"{"meta_data": "queue=mac"}"#, "meta_data"),
            (#"{"meta_data": [1]}"#, "meta_data"),
            (#"{"meta_data": [\#(many)]}"#, "meta_data"), (#"{"meta_data": ["\#(long)"]}"#, "meta_data.0"),
            (#"{"hostname": "\#(long)"}"#, "hostname"), (#"{"version": "\#(long)"}"#, "version"), ("x", "The body"),
            (String(repeating: "[", count: 100_000), "The body"),
        ])
    func registration(body: String, member: String) throws {
        let agent = try AgentScenario()
        let response = try agent.scenario.send(.post, "register", raw: body, token: agent.token)
        #expect([400, 422].contains(response.status))
        #expect(response.message.hasPrefix(member), "\(response.message)")
        #expect(agent.simulator.agents.isEmpty)
    }

    @Test("a name that its placeholders make too long is refused")
    func name() throws {
        let agent = try AgentScenario()
        let name = String(repeating: "%hostname", count: 113)
        let hostname = String(repeating: "h", count: 1024)
        let response = try agent.scenario.send(
            .post, "register", ["name": .string(name), "hostname": .string(hostname)], token: agent.token)
        #expect(response.status == 422)
        #expect(response.message == "name has \(113 * 1024) bytes; it must have at most 1024.")
        #expect(try agent.register().json["name"] == "mac-1")
    }

    @Test("a body without its content type is refused")
    func contentType() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        let response = try agent.scenario.send(
            .post, "jobs/\(agent.job)/data/set", raw: #"{"key":"a","value":"b"}"#, token: token,
            headerFields: [.contentType: "text/plain"])
        #expect(response.status == 400)
        #expect(response.message.contains("application/json"))
    }

    @Test("a hundred thousand parts of one byte are put together in linear time, and more are refused")
    func tinyParts() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        for sequence in stride(from: 100_000, through: 1, by: -1) {
            try agent.chunk([UInt8(ascii: "x")], sequence: sequence, offset: sequence - 1, token: token)
        }
        let job = try agent.current()
        #expect(job.logBytes.count == 100_000)
        #expect(job.isLogComplete)
        #expect(try agent.chunk([1], sequence: 100_001, offset: 100_000, token: token).status == 422)
    }
}
