import Foundation
import TestServers
import Testing

/// `stacksctl run` against the real simulator, with real processes for agents.
@Suite("Run", .timeLimit(.minutes(5)))
struct RunTests {
    @Test("--once runs every scheduled job once, hands out job tokens only, and sums up", arguments: Wire.allCases)
    func once(wire: Wire) async throws {
        try await SimulatedWorld.run(over: wire, ["--jobs", "20"]) { world in
            let run = try await run(
                world, ["--once", "--output", "json", "--max-in-flight", "8"], Checkout.demoAgent.path)
            #expect(run.status == 0, "\(run.errors)")
            let summary = try run.document()
            let jobs = try #require(summary["jobs"] as? [String: Int])
            #expect(jobs["seen"] == 20 && jobs["reserved"] == 20 && jobs["launched"] == 20)
            #expect(jobs["finished"] == 20 && jobs["cancelled"] == 0 && jobs["failed"] == 0)
            if wire != .urlSession {
                #expect(summary["http_versions"] as? [String] == [wire.httpVersion])
                #expect(summary["connections_opened"] as? Int ?? 0 >= 1)
            }
            let latencies = try #require(summary["dispatch_latency_ms"] as? [String: Int])
            #expect(latencies["p50"] ?? -1 >= 0 && latencies["p99"] ?? -1 >= latencies["p50"] ?? 0)

            let report = try await world.control("report")
            #expect(report["finished"] as? Int == 20)
            #expect(report["launched_twice"] as? Int == 0 && report["lost"] as? Int == 0)
            // It said good-bye: the key is free.
            let states = try await world.stacksctl("list", "--stack", "runner", "--queue", "default")
            #expect(states.status == 1)
        }
    }

    @Test("over HTTP/2 everything goes through one connection")
    func oneConnection() async throws {
        try await SimulatedWorld.run(over: .curlHTTP2, ["--jobs", "20"]) { world in
            let run = try await run(world, ["--once", "--output", "json"], Checkout.demoAgent.path)
            #expect(try run.document()["connections_opened"] as? Int == 1)
        }
    }

    @Test(
        "a command sees its job's token and UUID and the server, not the controller's tokens; stdout is the summary's")
    func environment() async throws {
        try await SimulatedWorld.run { world in
            let job = try await world.addJobs()[0]
            let script = """
                echo "to stdout: $BUILDKITE_AGENT_ACQUIRE_JOB ${BUILDKITE_AGENT_TOKEN%%_*} $BUILDKITE_AGENT_ENDPOINT"
                echo "cluster token: ${BUILDKITE_CLUSTER_TOKEN-none}; arguments: $*" >&2
                exec "$0"
                """
            let run = try await run(
                world,
                ["--once", "--output", "json"],
                "bash", "-c", script, Checkout.demoAgent.path, "--output", "table", "--dry-run",
                extra: ["BUILDKITE_CLUSTER_TOKEN": "bkct_cluster"]
            )
            #expect(run.status == 0)
            #expect(run.errors.contains("to stdout: \(job) bkjat \(world.simulator.ready.url)"), "\(run.errors)")
            #expect(run.errors.contains("cluster token: none; arguments: --output table --dry-run"), "\(run.errors)")
            #expect(try run.document()["stack"] as? String == "runner")
        }
    }

    @Test("only jobs whose rules the tags match are started")
    func tags() async throws {
        try await SimulatedWorld.run { world in
            let linux = try await world.addJobs(1, ["agent_query_rules": ["os=linux"]])[0]
            let macOS = try await world.addJobs(1, ["agent_query_rules": ["os=macos"]])[0]
            let run = try await run(
                world, ["--once", "--tag", "os=linux", "--output", "json"], Checkout.demoAgent.path)
            #expect(run.status == 0)
            #expect((try run.document()["jobs"] as? [String: Int])?["unmatched"] == 1)
            #expect(try await world.control("jobs/\(linux)")["state"] as? String == "finished")
            #expect(try await world.control("jobs/\(macOS)")["state"] as? String == "scheduled")
        }
    }

    @Test("a command that ends at once fails three jobs; the others are given back, and run once it is mended")
    func brokenCommand() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "broken-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await SimulatedWorld.run(["--jobs", "60"]) { world in
            // It is broken for its first launches.
            let script = #"touch "$1/$$"; [ $(ls "$1" | wc -l) -gt 4 ] || exit 1; exec "$0""#
            let run = try await run(
                world, ["--once", "--output", "json", "--max-in-flight", "2"],
                "sh", "-c", script, Checkout.demoAgent.path, directory.path)
            let jobs = try #require(try run.document()["jobs"] as? [String: Int])
            #expect(jobs["failed"] == 3 && jobs["finished"] == 57 && jobs["released"] ?? 0 > 0)
            #expect(run.status == 1 && run.errors.contains("3 of the jobs failed"), "\(run.errors)")
            #expect(run.errors.contains("3 launches in a row ended before an agent had taken the job"))
            #expect(run.errors.contains("Launches succeed again"))
            #expect(try await world.control("report")["finished"] as? Int == 60)
        }
    }

    @Test("--dry-run reserves nothing and needs no command")
    func dryRun() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--jobs", "3"]) { world in
            let run = try await run(world, ["--once", "--dry-run", "--output", "json"])
            #expect(run.status == 0, "\(run.errors)")
            let jobs = try #require(try run.document()["jobs"] as? [String: Int])
            #expect(jobs["seen"] == 3 && jobs["reserved"] == 0 && jobs["launched"] == 0)
            let report = try await world.control("report")
            #expect((report["by_state"] as? [String: Int]) == ["scheduled": 3])
        }
    }

    @Test("the first SIGTERM lets running commands end in peace, and the stack is de-registered")
    func drains() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--jobs", "1"]) { world in
            try await withGate { gate in
                let tool = try start(world, [], "bash", "-c", gate.agent, Checkout.demoAgent.path)
                try await gate.waitUntilStarted()
                tool.signal(SIGTERM)
                try await wait(for: "draining", of: tool)
                try gate.open()
                let run = ToolRun(try await tool.outcome())
                #expect(run.status == 0, "\(run.errors)")
                #expect(run.lines.contains { $0.hasPrefix("finished") && $0.hasSuffix(" 1") }, "\(run.output)")
            }
            #expect(try await world.control("report")["finished"] as? Int == 1)
            let list = try await world.stacksctl("list", "--stack", "runner", "--queue", "default")
            #expect(list.status == 1)
        }
    }

    @Test("a second signal stops the commands at once, and says so with exit status 1")
    func stops() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--jobs", "1"]) { world in
            try await withGate { gate in
                let tool = try start(world, [], "bash", "-c", gate.agent, Checkout.demoAgent.path)
                try await gate.waitUntilStarted()
                tool.signal(SIGINT)
                try await wait(for: "draining", of: tool)
                tool.signal(SIGINT)
                let run = ToolRun(try await tool.outcome())
                #expect(run.status == 1)
                #expect(run.errors.contains("a second signal"), "\(run.errors)")
                #expect(run.lines.contains { $0.hasPrefix("launched") && $0.hasSuffix(" 1") }, "\(run.output)")
                #expect(try gate.commandHasEnded())
            }
        }
    }

    @Test("a token that is not accepted ends the run with exit status 1 and one clear error that says what to do")
    func badToken() async throws {
        try await SimulatedWorld.run { world in
            let run = try await run(world, ["--token", "bkct_other"], "true")
            #expect(run.status == 1)
            #expect(run.errors.split(separator: "\n").filter { $0.contains("401") }.count == 1, "\(run.errors)")
            #expect(run.errors.contains("What to do: Give it a valid agent token"), "\(run.errors)")
            #expect(run.errors.contains("stacksctl: Buildkite does not accept the agent token"), "\(run.errors)")
            #expect(!run.errors.contains("bkct_other"))
        }
    }

    @Test(
        "what starting again does not put right has the exit status that it was given",
        arguments: [["--queue", "nowhere"], ["--once", "--token", "bkct_other"]])
    func permanent(options: [String]) async throws {
        try await SimulatedWorld.run { world in
            let run = try await run(world, options + ["--permanent-failure-exit-status", "78"], "true")
            #expect(run.status == 78, "\(run.errors)")
            #expect(run.errors.split(separator: "\n").last?.contains("What to do: ") == true, "\(run.errors)")
        }
    }

    @Test("one 403 or 404 to the first question of --once is not the last word", arguments: [403, 404])
    func refusedForAMoment(status: Int) async throws {
        try await SimulatedWorld.run { world in
            try await world.control(
                "faults", method: "POST",
                body: ["kind": "refuse", "operation": "token-identity", "status": status, "count": 1])
            let run = try await run(world, ["--once", "--permanent-failure-exit-status", "78"], "true")
            #expect(run.status == 0, "\(run.errors)")
        }
    }

    @Test("--once is exit status 1 when a command ended before an agent took its job")
    func failedBeforeTheStart() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--jobs", "1"]) { world in
            let run = try await run(world, ["--once", "--output", "json"], "bash", "-c", "exit 3")
            #expect(run.status == 1)
            #expect((try run.document()["jobs"] as? [String: Int])?["failed"] == 1)
            #expect(run.errors.contains("1 of the jobs failed"), "\(run.errors)")
        }
    }

    @Test(
        "a job whose command ended before an agent took it is finished with -1, or the status that is asked for",
        arguments: [([], -1), (["--launch-failure-exit-status", "75"], 75)] as [([String], Int)])
    func launchFailureStatus(options: [String], expected: Int) async throws {
        try await SimulatedWorld.run(over: .curlHTTP1) { world in
            let job = try await world.addJobs()[0]
            _ = try await run(world, ["--once", "--output", "json"] + options, "bash", "-c", "exit 3")
            let finished = try await world.control("jobs/\(job)")
            #expect(finished["exit_status"] as? Int == expected)
            #expect("\(finished)".contains("status 3"))
        }
    }

    #if os(Linux)
        /// What a program can be started with, and its own name after it: the program has no say in where it is then.
        private static let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"]
            .filter { FileManager.default.isExecutableFile(atPath: $0) }

        @Test("a token that was given on the command line is not on it for long", arguments: [nil] + loaders)
        func tokenOnTheCommandLine(loader: String?) async throws {
            try await SimulatedWorld.run(over: .curlHTTP1, ["--jobs", "1"]) { world in
                var environment = world.environment
                let token = world.simulator.ready.token
                environment["BUILDKITE_AGENT_TOKEN"] = nil
                let look = "tr '\\0' ' ' < /proc/$PPID/cmdline >&2; exec '\(Checkout.demoAgent.path)'"
                environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
                let arguments = [
                    "run", "--token", token, "--stack", "runner", "--queue", "default", "--once", "--", "bash", "-c",
                    look,
                ]
                let tool = try BuiltProducts.executable(named: "stacksctl").path
                let child = try ChildProcess(
                    URL(filePath: loader ?? tool), (loader == nil ? [] : [tool]) + arguments, environment: environment,
                    input: [])
                let run = ToolRun(try await child.outcome(within: .seconds(60)))
                #expect(run.status == 0, "\(run.errors)")
                #expect(run.errors.contains("run --token xxx") && !run.errors.contains(token))
            }
        }
    #endif

    @Test("signals that mean nothing to it change nothing, and SIGQUIT stops the commands at once")
    func signals() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--jobs", "1"]) { world in
            let started = FileManager.default.temporaryDirectory.appending(path: "started-\(UUID())")
            defer { try? FileManager.default.removeItem(at: started) }
            var environment = world.environment
            environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
            let script = """
                for signal in USR2 ALRM HUP; do kill -$signal $PPID; done
                trap 'exit 0' TERM; echo > '\(started.path)'; while :; do sleep 0.01; done
                """
            let child = try ChildProcess(
                URL(filePath: try BuiltProducts.executable(named: "stacksctl").path),
                ["run", "--stack", "runner", "--queue", "default", "--", "sh", "-c", script], environment: environment,
                input: [])
            while !FileManager.default.fileExists(atPath: started.path) { await Task.yield() }
            // Signals of different numbers have no order.
            let ignored = ["SIGUSR2", "SIGALRM", "SIGHUP"]
            while !ignored.allSatisfy(child.errorText.contains) { try await Task.sleep(for: .milliseconds(1)) }
            child.signal(SIGQUIT)
            let run = ToolRun(try await child.outcome(within: .seconds(60)))
            #expect(run.status == 1, "\(run.errors)")
            #expect(run.errors.contains("SIGQUIT"), "\(run.errors)")
        }
    }

    @Test(
        "with too few descriptors for a connection every command says so, with both numbers", arguments: [4, 5, 6, 20])
    func fewDescriptors(limit: Int) async throws {
        let tool = try BuiltProducts.executable(named: "stacksctl").path
        let child = try ChildProcess(
            URL(filePath: "/bin/sh"), ["-c", "ulimit -n \(limit); exec \"$@\"", "sh", tool, "whoami"],
            environment: ["BUILDKITE_AGENT_TOKEN": "t"], input: [])
        let run = ToolRun(try await child.outcome(within: .seconds(60)))
        #expect(run.status == 1, "\(run.errors)")
        #expect(run.errors.contains("the limit is \(limit)"), "\(run.errors)")
    }

    @Test("too low a limit on open files is raised when it can be, and refused with both numbers when not")
    func descriptors() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--jobs", "30"]) { world in
            func run(limited how: String) async throws -> ToolRun {
                var environment = world.environment
                environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
                let tool = try BuiltProducts.executable(named: "stacksctl").path
                let arguments = [
                    "-c", "ulimit \(how); exec \"$@\"", "sh", tool, "run", "--stack", "runner", "--queue", "default",
                    "--once", "--max-in-flight", "30", "--output", "json", "--", Checkout.demoAgent.path,
                ]
                let child = try ChildProcess(
                    URL(fileURLWithPath: "/bin/sh"), arguments, environment: environment, input: [])
                return ToolRun(try await child.outcome(within: .seconds(60)))
            }
            let refused = try await run(limited: "-n 40")
            #expect(refused.status == 1)
            #expect(
                refused.errors.contains("limit is 40") && refused.errors.contains("are needed"), "\(refused.errors)")
            let raised = try await run(limited: "-Sn 40")
            #expect(raised.status == 0, "\(raised.errors)")
            #expect((try raised.document()["jobs"] as? [String: Int])?["finished"] == 30)
        }
    }

    #if os(Linux)
        @Test("commands have the limit on open files that the tool was started with", arguments: [10, 40])
        func descriptorsOfCommands(limit: Int) async throws {
            try await SimulatedWorld.run(over: .curlHTTP1, ["--jobs", "1"]) { world in
                var environment = world.environment
                environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
                // The limit is set a moment after the start.
                let agent = Checkout.demoAgent.path
                let script = "until [ $(ulimit -Sn) = \(limit) ]; do sleep 0.01; done; ulimit -Sn 64; exec '\(agent)'"
                let child = try ChildProcess(
                    URL(filePath: "/bin/sh"),
                    [
                        "-c", "ulimit -Sn \(limit); exec \"$@\"", "sh",
                        try BuiltProducts.executable(named: "stacksctl").path, "run", "--stack", "runner", "--queue",
                        "default", "--once", "--output", "json", "--", "sh", "-c", script,
                    ], environment: environment, input: [])
                let run = ToolRun(try await child.outcome(within: .seconds(60)))
                #expect(run.status == 0, "\(run.errors)")
                #expect((try run.document()["jobs"] as? [String: Int])?["finished"] == 1)
            }
        }
    #endif

    @Test("a command that is gone later ends the run, and the jobs go back to the queue instead of failing")
    func vanishingCommand() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "vanishing-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let agent = directory.appending(path: "agent").path
        try Data("#!/bin/sh\nrm \"$0\"\nexec '\(Checkout.demoAgent.path)'\n".utf8).write(to: URL(filePath: agent))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: agent)
        try await SimulatedWorld.run(over: .curlHTTP1, ["--jobs", "4"]) { world in
            let run = try await run(world, ["--max-in-flight", "1", "--output", "json"], agent)
            #expect(run.status == 1)
            #expect(run.errors.contains("stacksctl: The command \(agent) "), "\(run.errors)")
            let jobs = try #require(try run.document()["jobs"] as? [String: Int])
            #expect(jobs["failed"] == 0 && jobs["finished"] == 1 && jobs["released"] == 1)
            let states = try await world.control("report")["by_state"] as? [String: Int]
            #expect(states?["finished"] == 1 && states?["failed"] == nil)
        }
    }

    @Test("--once says that the server cannot be reached, and ends")
    func unreachable() async throws {
        let run = try await ToolRun.stacksctl(
            ["run", "--stack", "k", "--queue", "-", "--once", "--no-retry", "--", "true"],
            environment: ["BUILDKITE_AGENT_TOKEN": "bkct_test", "BUILDKITE_AGENT_ENDPOINT": "http://127.0.0.1:9/v3"]
        )
        #expect(run.status == 1)
        #expect(run.errors.contains("127.0.0.1"))
    }

    // MARK: Running

    private func start(
        _ world: SimulatedWorld, _ options: [String], _ command: String..., extra: [String: String] = [:]
    ) throws -> ChildProcess {
        try start(world, options, command, extra: extra)
    }

    private func start(
        _ world: SimulatedWorld, _ options: [String], _ command: [String], extra: [String: String]
    ) throws -> ChildProcess {
        var environment = world.environment.merging(extra) { _, extra in extra }
        environment["CURL_CA_BUNDLE"] = world.simulator.ready.caFile
        return try ToolRun.start(
            ["run", "--stack", "runner", "--queue", world.simulator.ready.queue, "--poll-interval", "0.2"]
                + world.wire.toolArguments(world.simulator.ready) + options + (command.isEmpty ? [] : ["--"] + command),
            environment: environment
        )
    }

    private func run(
        _ world: SimulatedWorld, _ options: [String], _ command: String..., extra: [String: String] = [:]
    ) async throws -> ToolRun {
        let tool = try start(world, options, command, extra: extra)
        let run = ToolRun(try await tool.outcome())
        for text in [run.output, run.errors] {
            #expect(!text.contains(SimulatedWorld.secretToken) && !text.contains("bkjat_"))
        }
        return run
    }

    /// Waits until the tool has logged `text`.
    private func wait(for text: String, of tool: ChildProcess) async throws {
        while !tool.errorText.contains(text) { try await Task.sleep(for: .milliseconds(5)) }
    }
}
