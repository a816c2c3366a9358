import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

/// What a real agent, version 3.20.0, asked when it ran `echo hello; sleep 2; exit 3`, with a job status interval of 1 s and
/// a heartbeat interval of 2 s. Requests, bodies and times between them are the agent's.
@Suite("The conversation of a real agent")
struct RecordedConversationTests {
    private struct Exchange {
        var method: HTTPRequest.Method
        /// With `JOB` for the job's UUID.
        var path: String
        var body: [UInt8] = []
        var type: String?
        /// When it came after the one before, in seconds.
        var after = 0.0
        /// What the agent needs in the response.
        var needs: [String] = []

        init(
            _ method: HTTPRequest.Method, _ path: String, json: String? = nil, gzip: String? = nil, after: Double = 0,
            needs: [String] = []
        ) {
            self.method = method
            self.path = path
            if let json { (body, type) = (Array("\(json)\n".utf8), "application/json") }
            if let gzip { (body, type) = (Array(Data(base64Encoded: gzip) ?? Data()), "text/plain") }
            self.after = after
            self.needs = needs
        }
    }

    private static let recorded = [
        Exchange(
            .post, "register",
            json: """
                {"name":"studio","hostname":"vm","os":"PRETTY_NAME=\\"Debian GNU/Linux 12 (bookworm)\\"\\nID=debian",\
                "arch":"amd64","script_eval_enabled":true,"ignore_in_dispatches":true,"priority":"1",\
                "version":"3.20.0","build":"x","meta_data":["queue=default"],"pid":7228,"machine_id":"ab"}
                """,
            needs: [
                "id", "name", "access_token", "endpoint", "ping_interval", "job_status_interval", "heartbeat_interval",
                "meta_data",
            ]),
        Exchange(.post, "connect"),
        Exchange(
            .put, "jobs/JOB/acquire",
            needs: ["id", "endpoint", "state", "env", "chunks_max_size_bytes"]),
        Exchange(.put, "jobs/JOB/start", json: #"{"started_at":"2026-11-29T11:07:55.04777833Z"}"#),
        Exchange(.get, "jobs/JOB", needs: ["state"]),
        Exchange(
            .post, "jobs/JOB/header_times", json: #"{"header_times":{"0":"2026-11-29T11:07:55.133229312Z"}}"#, after: 1),
        Exchange(
            .post, "jobs/JOB/chunks?sequence=1&offset=0&size=167",
            gzip: """
                H4sIAAAAAAAA/0zMMYuDMBiH8T2QT+DyHwQnidxNh/MNDi1U7OQUkxcNvknExNLJz15ol47PM/yK8a/xZTE2HsZCPfSu2E1qOhzb1WWq9Uwhfzqp\
                lA/rotLGk7LkoxTneaI/QnBhhone62CTFF9q3vWGanXMqGuUZYXuOmD47y+43buhBZklYiHm2CIx0YafFvR0Gb9SvL+U4hUAAP//c/EULKcAAAA=
                """),
        Exchange(.get, "jobs/JOB", needs: ["state"]),
        Exchange(
            .post, "heartbeat", json: #"{"sent_at":"2026-11-29T11:07:57.005396193Z"}"#, after: 1,
            needs: ["sent_at", "received_at"]),
        Exchange(.get, "jobs/JOB", needs: ["state"]),
        Exchange(
            .post, "jobs/JOB/chunks?sequence=2&offset=167&size=73",
            gzip: """
                H4sIAAAAAAAA/5KONjbM/TB/1goF16Ki/CIrhZCMVIXk/NzcxLwUhdSKzJLUFIXyzJIMheKSxJLSYgVj6WiDXF6uuLg4BW1tbSQGIAAA//9R\
                Y34ASQAAAA==
                """, after: 0.1),
        Exchange(
            .put, "jobs/JOB/finish",
            json: #"{"exit_status":"3","finished_at":"2026-11-29T11:07:57.14573386Z","chunks_failed_count":0}"#),
        Exchange(.post, "disconnect"),
    ]

    @Test("every request gets what the agent needs, and the job ends with its command's status and log")
    func replay() throws {
        var template = SimulatedJob.Template()
        template.command = "echo hello; sleep 2; exit 3"
        let agent = try AgentScenario(template: template)
        var token = agent.token
        for exchange in Self.recorded {
            agent.clock.advance(by: .seconds(exchange.after))
            var fields: HTTPFields = [.userAgent: "buildkite-agent/3.20.0.x (linux; amd64)", .accept: ""]
            fields[.contentType] = exchange.type ?? ""
            if exchange.type == "text/plain" { fields[.contentEncoding] = "gzip" }
            let path = exchange.path.replacing("JOB", with: agent.job)
            let response = try agent.scenario.send(
                exchange.method, path, bytes: exchange.body, token: token, headerFields: fields)
            #expect((200...299).contains(response.status), "\(path): \(response.message)")
            for member in exchange.needs { #expect(response.json[member] != .null, "\(path): \(member)") }
            if let access = response.json["access_token"].text { token = access }
        }
        let job = try agent.current()
        #expect(job.state == .finished)
        #expect(job.exitStatus == 3)
        let gray = "\u{1B}[90m$\u{1B}[0m"
        #expect(
            job.log == """
                \(gray) cd /var/lib/buildkite-agent/builds/studio/acme/demo\r
                ~~~ Running commands\r
                \(gray) trap 'kill -- $$' INT TERM QUIT; echo hello; sleep 2; exit 3\r
                hello\r\r
                \u{1B}[31m🚨 Error: The command exited with status 3\u{1B}[0m\r
                ^^^ +++\r
                ^^^ +++\r

                """)
        #expect(job.isLogComplete)
        #expect(job.logBytes.count == 240)
        #expect(job.headerTimes == ["0": "2026-11-29T11:07:55.133229312Z"])
        #expect(agent.simulator.agents.map(\.state) == [.disconnected])
        #expect(agent.simulator.agents[0].heartbeats == 1)
    }

    @Test("a scripted agent has the same conversation, request for request", arguments: [ScriptedAgent.Version.old])
    func scripted(version: ScriptedAgent.Version) async throws {
        let clock = ManualClock()
        var configuration = StacksSimulator.Configuration()
        configuration.agents.jobStatusInterval = .seconds(1)
        configuration.agents.heartbeatInterval = .seconds(2)
        let agent = try AgentScenario(clock: clock, configuration)
        let transport = agent.simulator.transport(clock: clock)
        let scripted = ScriptedAgent(
            transport: transport, baseURL: "https://agent.buildkite.com/v3/", job: agent.job, token: agent.token,
            version: version, clock: clock)
        var script = ScriptedAgent.Script(duration: .seconds(2.1), exitStatus: 3)
        script.output = [
            .init("~~~ Running commands\n" + String(repeating: "x", count: 146)),
            .init(String(repeating: "y", count: 73), after: .seconds(2.1)),
        ]

        let run = try await clock.advancing { try await scripted.run(script) }

        #expect(run == .init(exitStatus: 0, jobExitStatus: 3))
        #expect(
            transport.requests.map { "\($0.method) \($0.path)" }
                == Self.recorded.map { "\($0.method) /v3/\($0.path.replacing("JOB", with: agent.job))" })
        for (request, exchange) in zip(transport.requests, Self.recorded) {
            #expect(request.headerFields[.contentType] == exchange.type)
            #expect(request.headerFields[.userAgent] == "buildkite-agent/3.20.0.x (linux; amd64)")
            guard exchange.type == "application/json" else { continue }
            // The members that both send have the same types.
            let ours = try JSONDecoder().decode(JSON.self, from: Data(request.body ?? []))
            let theirs = try JSONDecoder().decode(JSON.self, from: Data(exchange.body))
            #expect(ours.names.isSubset(of: theirs.names), "\(request.path)")
        }
        let finish = try #require(transport.requests.first { $0.path.hasSuffix("/finish") }?.body)
        #expect(String(decoding: finish, as: UTF8.self).hasPrefix(#"{"exit_status":"3","finished_at":""#))
    }
}
