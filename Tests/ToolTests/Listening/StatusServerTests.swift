import Foundation
import TestServers
import Testing

@testable import stacksctl

/// `stacksctl run --listen` as a probe, a scraper and a person see it.
@Suite("The status server", .timeLimit(.minutes(5)))
struct StatusServerTests {
    @Test("it is alive and ready, and says why nothing is started")
    func probes() async throws {
        try await SimulatedWorld.run { world in
            try await ListeningRun.during(world) { run in
                let ready = try await run.get("/readyz") { $0.status == 200 }
                #expect(ready.body == "nothing is scheduled\n")
                #expect(ready.headers["content-type"] == "text/plain; charset=utf-8")
                #expect(ready.headers["cache-control"] == "no-store")
                let live = try await run.get("/livez")
                #expect(live.status == 200 && live.body == "the controller is running\n")
            }
        }
    }

    @Test("while it drains it is not ready, and alive, and the page says what still runs")
    func draining() async throws {
        try await SimulatedWorld.run(["--jobs", "1"]) { world in
            try await withGate { gate in
                let command = ["bash", "-c", gate.agent, Checkout.demoAgent.path]
                try await ListeningRun.during(world, command: command) { run in
                    try await gate.waitUntilStarted()
                    run.tool.signal(SIGTERM)
                    let unready = try await run.get("/readyz") { $0.body == "the controller is draining\n" }
                    #expect(unready.status == 503)
                    #expect(try await run.get("/livez").status == 200)
                    #expect(try await run.status()["jobs_in_flight"] as? Int == 1)
                    try gate.open()
                    let ended = ToolRun(try await run.tool.outcome())
                    #expect(ended.status == 0, "\(ended.errors)")
                }
            }
        }
    }

    @Test("while launches fail it is not ready, and the status has what was logged of it")
    func failing() async throws {
        try await SimulatedWorld.run(["--jobs", "10"]) { world in
            try await ListeningRun.during(world, command: ["sh", "-c", "exit 3"]) { run in
                let unready = try await run.get("/readyz") { $0.body.hasPrefix("launches end before") }
                #expect(unready.status == 503)
                let status = try await run.status { $0.isEmpty == false }
                let stack = try #require((status["stacks"] as? [[String: Any]])?.first)
                #expect(stack["idle_reason"] as? String == "launches_fail" && stack["ready"] as? Bool == false)
                #expect(status["ready"] as? Bool == false && status["live"] as? Bool == true)
                let errors = try #require(status["errors"] as? [[String: Any]])
                #expect(errors.contains { ($0["message"] as? String)?.contains("launches in a row") == true })
                #expect(errors.contains { $0["job"] is String && $0["stack"] as? String == "runner" })
                let failed = (status["last_hour"] as? [String: Any])?["failed"] as? [Int]
                #expect(failed?.count == 60)
            }
        }
    }

    @Test("a running job is there with what is known of it and the path of its log, and gone when it has ended")
    func jobs() async throws {
        let logs = FileManager.default.temporaryDirectory.appending(path: "logs-\(UUID())")
        try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: logs) }
        try await SimulatedWorld.run { world in
            let job = try await world.addJobs(
                1,
                [
                    "priority": 7, "agent_query_rules": ["os=linux"], "pipeline": ["slug": "web"],
                    "build": ["number": 12, "branch": "main"], "step": ["key": "test"],
                ])[0]
            try await withGate { gate in
                let options = ["--tag", "os=linux", "--job-logs", logs.path, "--max-in-flight", "1"]
                let command = ["bash", "-c", gate.agent, Checkout.demoAgent.path]
                try await ListeningRun.during(world, options, command: command) { run in
                    try await gate.waitUntilStarted()
                    _ = try await world.addJobs(3, ["agent_query_rules": ["os=linux"]])
                    let status = try await run.status { status in
                        let stack = (status["stacks"] as? [[String: Any]])?.first
                        return stack?["idle_reason"] as? String == "full" && stack?["oldest_waiting"] is [String: Any]
                    }
                    let known = try #require((status["jobs"] as? [[String: Any]])?.first)
                    #expect(known["id"] as? String == job && known["stack"] as? String == "runner")
                    #expect(known["state"] as? String == "launching" && known["priority"] as? Int == 7)
                    #expect(known["pipeline"] as? String == "web" && known["build"] as? Int == 12)
                    #expect(known["branch"] as? String == "main" && known["step"] as? String == "test")
                    #expect((known["rules"] as? [String])?.contains("os=linux") == true)
                    #expect(known["queue"] as? String == world.simulator.ready.queue)
                    #expect(known["log_file"] as? String == "\(logs.path)/\(job).log")
                    #expect(known["scheduled_at"] is String && known["launched_seconds_ago"] is Double)
                    let stack = try #require((status["stacks"] as? [[String: Any]])?.first)
                    #expect(stack["in_flight"] as? Int == 1 && stack["slots"] as? Int == 1)
                    #expect((stack["oldest_waiting"] as? [String: Any])?["waited_seconds"] is Double)
                    #expect((stack["rate_limits"] as? [[String: Any]])?.contains { $0["limit"] is Int } == true)
                    #expect(try await run.status("?find=WEB")["jobs_found"] as? Int == 1)
                    #expect(try await run.status("?find=nothing")["jobs_found"] as? Int == 0)
                    let unnamed = try await run.status("?jobs=0")
                    #expect((unnamed["jobs"] as? [Any])?.isEmpty == true && unnamed["jobs_in_flight"] as? Int == 1)
                    try gate.open()
                    try await run.status { status in
                        !((status["jobs"] as? [[String: Any]]) ?? []).contains { $0["id"] as? String == job }
                    }
                }
            }
        }
    }

    @Test("the keys of the status are those that are documented")
    func keys() async throws {
        let article = try String(
            contentsOf: Checkout.root.appending(
                path: "Sources/StacksController/StacksController.docc/RunningInProduction.md"), encoding: .utf8)
        let documented = Set(
            article.split(separator: "\n").filter { $0.hasPrefix("| `.") }.flatMap { line in
                line.split(separator: "|")[0].matches(of: /`\.([a-z0-9_.\[\]]+)`/).map { String($0.1) }
            })
        try await SimulatedWorld.run { world in
            _ = try await world.addJobs(2)
            try await withGate { gate in
                let command = ["bash", "-c", gate.agent, Checkout.demoAgent.path]
                try await ListeningRun.during(world, ["--max-in-flight", "1"], command: command) { run in
                    let status = try await run.status { status in
                        let stack = (status["stacks"] as? [[String: Any]])?.first
                        return (status["jobs"] as? [Any])?.isEmpty == false && stack?["oldest_waiting"] is [String: Any]
                    }
                    // Errors are there when there are any.
                    let found = Self.keys(of: status).union(
                        ["errors[].time", "errors[].level", "errors[].message", "errors[].stack", "errors[].job"])
                    #expect(found.subtracting(documented).subtracting(["errors"]) == [])
                    #expect(documented.subtracting(found) == [])
                    try await gate.waitUntilStarted()
                    try gate.open()
                }
            }
        }
    }

    /// The paths of all values: `stacks[].jobs.running`.
    private static func keys(of value: Any, at path: String = "") -> Set<String> {
        if let object = value as? [String: Any] {
            return object.reduce(into: []) { keys, member in
                keys.formUnion(Self.keys(of: member.value, at: path.isEmpty ? member.key : "\(path).\(member.key)"))
            }
        }
        if let array = value as? [Any] {
            let inner = array.compactMap { $0 as? [String: Any] }
            if inner.isEmpty { return [path] }
            return inner.reduce(into: []) { $0.formUnion(Self.keys(of: $1, at: "\(path)[]")) }
        }
        return [path]
    }

    @Test("a scrape is whole and of the right type, counts what has happened, and promtool finds nothing wrong with it")
    func metrics() async throws {
        try await SimulatedWorld.run(["--jobs", "3"]) { world in
            try await ListeningRun.during(world) { run in
                try await run.status { status in
                    let stack = (status["stacks"] as? [[String: Any]])?.first
                    return (stack?["totals"] as? [String: Any])?["finished"] as? Int == 3
                }
                // A scrape is kept for half a second.
                let answer = try await run.get("/metrics") { answer in
                    answer.body.contains(#"stacks_controller_jobs_total{stack="runner",outcome="finished"} 3"#)
                }
                #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
                let text = try Exposition(answer.body)
                let stack = ["stack": "runner"]
                #expect(text["stacks_controller_dispatch_duration_seconds_count", stack] == 3)
                #expect(text["stacksctl_dispatch_latency_seconds_count", stack] == 3)
                #expect(text["stacks_controller_run_duration_seconds_count", stack] == 3)
                #expect(text["stacks_controller_slots", stack] == 10)
                #expect(text["stacks_controller_idle", ["stack": "runner", "reason": "full"]] != nil)
                let calls = ["operation": "registerStack", "outcome": "success"]
                #expect(text["stacks_api_call_duration_seconds_count", calls] == 1)
                #expect(text["stacksctl_rate_limit", ["stack": "runner", "scope": "list-scheduled-jobs"]] != nil)
                #expect(text["stacksctl_metrics_refused_total", [:]] == 0)
                #expect(text["process_resident_memory_bytes", [:]] ?? 0 > 0)
                #expect(!text.help.values.contains("Not described"), "\(text.help)")
                guard let promtool = Tool.path("promtool") else { return }
                let check = try ChildProcess(
                    URL(fileURLWithPath: promtool), ["check", "metrics"], input: Array(answer.body.utf8))
                let outcome = try await check.outcome()
                #expect(outcome.exitStatus == 0 && outcome.errorText.isEmpty, "\(outcome.errorText)")
            }
        }
    }

    @Test("a run that ends takes its server along, and has ended well")
    func ends() async throws {
        try await SimulatedWorld.run(["--jobs", "2"]) { world in
            let tool = try ListeningRun.start(world, ["--listen", "127.0.0.1:0", "--once"])
            let ended = ToolRun(try await tool.outcome())
            #expect(ended.status == 0, "\(ended.errors)")
        }
    }
}
