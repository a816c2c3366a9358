import Foundation
import TestServers
import Testing

@Suite("Agents of the simulator by curl", .timeLimit(.minutes(5)))
struct SimulatorAgentTests {
    /// A job that a stack has reserved, and its acquisition token.
    private func reserve(_ curl: Curl, _ document: String) async throws -> (job: String, token: String) {
        let stack = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {}}"#
        _ = try await curl("POST", "stacks/register", stack)
        let job = try #require(try await curl.control("POST", "jobs", document).strings("jobs").first)
        let jobs = #"{"job_uuids": ["\#(job)"]}"#
        _ = try await curl("PUT", "stacks/s/scheduled-jobs/batch-reserve", jobs)
        let tokens = try await curl("POST", "stacks/s/job-acquisition-tokens", jobs)
        let token = tokens.objects("job_acquisition_tokens").first?["job_acquisition_token"] as? String
        return (job, try #require(token))
    }

    @Test("an agent runs a job, and the control side shows what it said", arguments: CurlWire.allCases)
    func life(wire: CurlWire) async throws {
        try await wire.run { curl in
            let (job, acquisition) = try await reserve(curl, #"{"command": "make"}"#)
            let registration = #"{"name": "mac-%n", "hostname": "studio", "version": "3.20.0", "meta_data": ["a=b"]}"#
            let registered = try await curl("POST", "register", registration, token: acquisition)
            #expect(registered.status == 200)
            let token = try #require(registered.json["access_token"] as? String)
            #expect(try await curl("POST", "connect", token: token).status == 200)
            let acquired = try await curl("PUT", "jobs/\(job)/acquire", token: token)
            #expect(acquired.object("env")["BUILDKITE_COMMAND"] as? String == "make")
            #expect(try await curl("PUT", "jobs/\(job)/start", token: token).status == 200)

            // A real program compresses the log.
            let text = ["-H", "Content-Type: text/plain", "-H", "Content-Encoding: gzip", "--data-binary"]
            let log = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).gz")
            defer { try? FileManager.default.removeItem(at: log) }
            let shell = try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/env"),
                ["sh", "-c", "yes '<b>tests passed</b>' | head -n 2000 | gzip >'\(log.path)'"], input: [])
            #expect(try await shell.outcome().exitStatus == 0)
            let chunk = try await curl(
                "POST", "jobs/\(job)/chunks?sequence=1&offset=0&size=40000", token: token,
                options: text + ["@\(log.path)"])
            #expect(chunk.status == 201, "\(chunk.message)")

            let note = #"{"body": "**good**", "style": "success"}"#
            #expect(try await curl("POST", "jobs/\(job)/annotations", note, token: token).status == 201)
            let item = #"{"key": "version", "value": "1.2"}"#
            #expect(try await curl("POST", "jobs/\(job)/data/set", item, token: token).status == 200)
            let artifact = #"{"artifacts": [{"path": "app.ipa", "file_size": 7}]}"#
            let created = try await curl("POST", "jobs/\(job)/artifacts", artifact, token: token)
            let action = created.object("upload_instructions")["action"] as? [String: Any]
            // The files go to this server.
            let server = try #require(curl.simulator.ready.url.components(separatedBy: "/v3").first)
            #expect(action?["url"] as? String == server)
            let upload = server + (try #require(action?["path"] as? String))
            #expect(try await curl.plain("POST", upload, ["-F", "file=x"]).status == 204)
            let end = #"{"exit_status": "3", "signal": "SIGTERM", "signal_reason": "cancel"}"#
            #expect(try await curl("PUT", "jobs/\(job)/finish", end, token: token).status == 200)
            #expect(try await curl("POST", "disconnect", token: token).status == 200)

            let shown = try await curl.control("GET", "jobs/\(job)")
            #expect(shown.json["state"] as? String == "finished")
            #expect(shown.json["exit_status"] as? Int == 3)
            let run = shown.object("run")
            #expect(run["signal"] as? String == "SIGTERM")
            #expect(run["log_size"] as? Int == 40_000)
            #expect(run["log_complete"] as? Bool == true)
            #expect(run["meta_data"] as? [String: String] == ["version": "1.2"])
            #expect((run["annotations"] as? [[String: Any]])?.first?["body"] as? String == "**good**")
            #expect((run["artifacts"] as? [[String: Any]])?.first?["path"] as? String == "app.ipa")

            let shownLog = try await curl.control("GET", "jobs/\(job)/log")
            #expect(shownLog.body == String(repeating: "<b>tests passed</b>\n", count: 2000))
            #expect(shownLog.headers["content-type"] == "text/plain; charset=utf-8")
            #expect(shownLog.headers["x-content-type-options"] == "nosniff")
            let agents = try await curl.control("GET", "agents")
            let listed = try JSONSerialization.jsonObject(with: Data(agents.body.utf8)) as? [[String: Any]]
            #expect(listed?.count == 1)
            #expect(listed?.first?["name"] as? String == "mac-1")
            let id = try #require(listed?.first?["id"] as? String)
            let requests = try await curl.control("GET", "requests?agent=\(id)&limit=2").objects("requests")
            #expect(requests.compactMap { $0["operation"] as? String } == ["agent-connect", "agent-acquire"])
            #expect(listed?.first?["state"] as? String == "disconnected")
            #expect(!agents.body.contains(token))
        }
    }

    @Test("an agent's operation can be made to fail")
    func fault() async throws {
        try await CurlWire.plaintext.run { curl in
            let (_, token) = try await reserve(curl, "{}")
            let fault = #"{"kind": "refuse", "operation": "agent-register", "status": 503}"#
            #expect(try await curl.control("POST", "faults", fault).status == 204)
            #expect(try await curl("POST", "register", "{}", token: token).status == 503)
            #expect(try await curl("POST", "register", "{}", token: token).status == 200)
        }
    }

    @Test("a fault for agents delays, drops or ends their requests over the wire, of one job alone")
    func aimed() async throws {
        try await CurlWire.plaintext.run { curl in
            let (job, token) = try await reserve(curl, "{}")
            let (_, otherToken) = try await reserve(curl, "{}")
            let fault = #"{"kind": "disconnect", "side": "agents", "job": "\#(job)", "count": 2}"#
            #expect(try await curl.control("POST", "faults", fault).status == 204)
            #expect(try await curl("POST", "register", "{}", token: otherToken).status == 200)
            #expect(try await curl("GET", "stacks/s/jobs/\(job)").status == 200)
            for _ in 1...2 {
                await #expect(throws: Curl.Failure.self) { try await curl("POST", "register", "{}", token: token) }
            }
            let lost = #"{"kind": "drop", "operation": "agent-register"}"#
            #expect(try await curl.control("POST", "faults", lost).status == 204)
            await #expect(throws: Curl.Failure.self) { try await curl("POST", "register", "{}", token: token) }
            // It was performed; the agent registers again.
            #expect(try await curl.control("GET", "agents").body.contains(job))
            let registered = try await curl("POST", "register", "{}", token: token)
            let access = try #require(registered.json["access_token"] as? String)

            let slow = #"{"kind": "delay", "operation": "agent-ping", "delay_ms": 1}"#
            #expect(try await curl.control("POST", "faults", slow).status == 204)
            #expect(try await curl("GET", "ping", token: access).status == 200)
            let garbled = #"{"kind": "malformed", "operation": "agent-acquire"}"#
            #expect(try await curl.control("POST", "faults", garbled).status == 204)
            let acquired = try await curl("PUT", "jobs/\(job)/acquire", token: access)
            #expect(acquired.status == 200 && acquired.json.isEmpty)
            #expect(try await curl("PUT", "jobs/\(job)/acquire", token: access).json["id"] as? String == job)
            #expect(try await curl.control("GET", "report").json["faults"] as? Int == 5)
        }
    }
}
