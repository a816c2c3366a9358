import Foundation
import TestServers
import Testing

@Suite("Jobs that the simulator plays", .timeLimit(.minutes(5)))
struct SimulatorPlayTests {
    private static let manual = ["--clock", "manual", "--clock-start", "2026-03-01T12:00:00Z"]

    /// Reserves jobs, and issues tokens for them.
    private func launch(_ curl: Curl, _ jobs: [String]) async throws {
        let stack = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {}}"#
        _ = try await curl("POST", "stacks/register", stack)
        let list = jobs.map { "\"\($0)\"" }.joined(separator: ", ")
        _ = try await curl("PUT", "stacks/s/scheduled-jobs/batch-reserve", #"{"job_uuids": [\#(list)]}"#)
        let tokens = try await curl("POST", "stacks/s/job-acquisition-tokens", #"{"job_uuids": [\#(list)]}"#)
        #expect(tokens.status == 201, "\(tokens)")
    }

    @Test("a job runs as it was made to, by the clock that a script moves")
    func script() async throws {
        try await CurlWire.plaintext.run(Self.manual + ["--play-jobs", "launched"]) { curl in
            let script = """
                {"script": {"seconds": 60, "signal": "SIGKILL", "log": "a\\n", "starts_after_seconds": 5,
                 "output": [{"after_seconds": 30, "text": "b\\n"}]}}
                """
            let id = try #require(try await curl.control("POST", "jobs", script).strings("jobs").first)
            try await launch(curl, [id])
            func state(after seconds: Int) async throws -> Curl.Answer {
                #expect(try await curl.control("POST", "clock/advance", #"{"seconds": \#(seconds)}"#).status == 200)
                return try await curl.control("GET", "jobs/\(id)")
            }
            #expect(try await state(after: 4).json["state"] as? String == "reserved")
            let running = try await state(after: 31)
            #expect(running.json["state"] as? String == "running")
            let shown = running.object("script")
            #expect(shown["seconds"] as? Double == 60 && shown["exit_status"] as? Int == -1)
            #expect(shown["agent"] as? String == "finishes")
            #expect(try await curl.control("GET", "jobs/\(id)/log").body == "a\nb\n")
            let ended = try await state(after: 3600)
            #expect(ended.json["state"] as? String == "finished" && ended.json["exit_status"] as? Int == -1)
            #expect(ended.object("run")["signal"] as? String == "SIGKILL")
            let finished = (ended.json["history"] as? [[String: Any]])?.last
            #expect(finished?["at"] as? String == "2026-03-01T12:01:05.000Z")
        }
    }

    @Test("arrivals have jobs that end in several ways")
    func arrivals() async throws {
        try await CurlWire.plaintext.run(Self.manual + ["--play-jobs", "launched"]) { curl in
            let plan = """
                {"rate": 10, "count": 30,
                 "jobs": [{"script": {"seconds": 5, "exit_status": 0}}, {"script": {"seconds": 5, "exit_status": 1}},
                          {"script": {"agent": "lost"}}, {"script": {"agent": "never-starts"}}]}
                """
            #expect(try await curl.control("POST", "arrivals", plan).status == 201)
            _ = try await curl.control("POST", "clock/advance", #"{"seconds": 3}"#)
            let jobs = try await curl.control("GET", "jobs").objects("jobs").compactMap { $0["id"] as? String }
            #expect(jobs.count == 30)
            try await launch(curl, jobs)
            _ = try await curl.control("POST", "clock/advance", #"{"seconds": 1000}"#)
            var endings: [String: Int] = [:]
            for job in try await curl.control("GET", "jobs").objects("jobs") {
                let status = (job["exit_status"] as? Int).map { " \($0)" } ?? ""
                endings["\(job["state"] ?? "")\(status)", default: 0] += 1
            }
            #expect(Set(endings.keys) == ["finished 0", "finished 1", "finished -1", "scheduled"], "\(endings)")
        }
    }

    @Test("a stack that launches nothing real has its jobs played, with the time that they take")
    func stack() async throws {
        let script = #"{"seconds": 0.5, "exit_status": 3, "log": "done\n"}"#
        let arguments = ["--jobs", "2", "--play-jobs", "launched", "--job-script", script]
        try await SimulatedWorld.run(arguments) { world in
            let run = try await world.stacksctl(
                "run", "--stack", "mac-fleet", "--queue", world.simulator.ready.queue, "--once", "--", "sleep", "1")
            #expect(run.status == 0, "\(run.errors)")
            let report = try await world.control("report")
            #expect(report["finished"] as? Int == 2 && report["launched_twice"] as? Int == 0)
            let jobs = try #require(try await world.control("jobs")["jobs"] as? [[String: Any]])
            #expect(jobs.compactMap { $0["exit_status"] as? Int } == [3, 3])
        }
    }

    @Test("a mistake in a script is told, also in an option")
    func mistakes() async throws {
        try await CurlWire.plaintext.run { curl in
            for (script, names) in [
                (#"{"secs": 1}"#, ["script.secs", "seconds"]), (#"{"seconds": -1}"#, ["script.seconds", "-1", "0"]),
                (#"{"exit_status": 1e12}"#, ["script.exit_status", "4294967295"]),
                (#"{"agent": "gone"}"#, ["script.agent", "gone", "never-starts"]),
                (#"{"output": [{"after_seconds": 1}]}"#, ["script.output.0.text", "missing"]),
            ] {
                let answer = try await curl.control("POST", "jobs", #"{"script": \#(script)}"#)
                #expect(answer.status == 400, "\(script): \(answer)")
                for name in names { #expect(answer.message.contains(name), "\(script): \(answer.message)") }
            }
        }
        for (arguments, names) in [
            (["--job-script", #"{"secs": 1}"#], ["--job-script.secs", "seconds"]),
            (["--job-script", "seconds"], ["--job-script", "JSON"]),
            (["--play-jobs", "always"], ["never", "reserved", "launched"]),
            (["--ping-interval", "0"], ["--ping-interval", "1", "3600", "not 0"]),
            (["--job-status-interval", "3601"], ["--job-status-interval", "3600", "3601"]),
            (["--heartbeat-interval", "-5"], ["--heartbeat-interval", "-5"]),
            (["--agent-lost-after", "86401"], ["--agent-lost-after", "86400", "86401"]),
            (["--agent-lost-after", "10"], ["--agent-lost-after", "10", "--heartbeat-interval"]),
        ] {
            let child = try ChildProcess(BuiltProducts.executable(named: "stacks-simulator"), arguments, input: [])
            let outcome = try await child.outcome()
            #expect(outcome.exitStatus == 64 && outcome.output.isEmpty, "\(arguments): \(outcome)")
            for name in names { #expect(outcome.errorText.contains(name), "\(arguments): \(outcome.errorText)") }
        }
    }

    @Test("agents are told the intervals of the options, and are lost by them")
    func intervals() async throws {
        let options = [
            "--ping-interval", "7", "--job-status-interval", "8", "--heartbeat-interval", "9", "--agent-lost-after",
            "30",
        ]
        try await CurlWire.plaintext.run(Self.manual + options) { curl in
            let stack = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {}}"#
            _ = try await curl("POST", "stacks/register", stack)
            let id = try #require(try await curl.control("POST", "jobs").strings("jobs").first)
            let body = #"{"job_uuids": ["\#(id)"]}"#
            _ = try await curl("PUT", "stacks/s/scheduled-jobs/batch-reserve", body)
            let tokens = try await curl("POST", "stacks/s/job-acquisition-tokens", body)
            let issued = try #require(tokens.objects("job_acquisition_tokens").first)
            let token = try #require(issued["job_acquisition_token"] as? String)
            let agent = try await curl("POST", "register", "{}", token: token)
            #expect(agent.json["ping_interval"] as? Int == 7 && agent.json["job_status_interval"] as? Int == 8)
            #expect(agent.json["heartbeat_interval"] as? Int == 9)
            for (seconds, state) in [(29, "registered"), (1, "lost")] {
                _ = try await curl.control("POST", "clock/advance", #"{"seconds": \#(seconds)}"#)
                #expect(try await curl.control("GET", "agents").body.contains(#""state" : "\#(state)""#))
            }
        }
    }
}
