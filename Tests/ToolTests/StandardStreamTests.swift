import Foundation
import StacksTransport
import TestServers
import Testing

@testable import stacksctl

#if os(Linux)
    /// What becomes of the tool when what it prints and says has nowhere to go.
    @Suite("Standard streams", .timeLimit(.minutes(2)))
    struct StandardStreamTests {
        /// Runs the tool in a shell that has done `redirection` to it. Descriptor 4 is a pipe whose reader is gone.
        private func start(
            _ arguments: [String], _ redirection: String, in directory: URL, environment: [String: String] = [:]
        ) throws -> ChildProcess {
            var environment = environment
            environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
            environment["P"] = directory.appendingPathComponent("pipe-\(UUID())").path
            let script = #"mkfifo "$P"; exec 3<>"$P" 4>"$P" 3>&-; exec "$0" "$@" "# + redirection + " 4>&-"
            return try ChildProcess(
                URL(fileURLWithPath: "/bin/sh"),
                ["-c", script, BuiltProducts.executable(named: "stacksctl").path] + arguments,
                environment: environment, input: [])
        }

        private func run(
            _ arguments: [String], _ redirection: String, in directory: URL, environment: [String: String] = [:]
        ) async throws -> ToolRun {
            let child = try start(arguments, redirection, in: directory, environment: environment)
            return ToolRun(try await child.outcome(within: .seconds(60)))
        }

        private func withDirectory(_ body: (URL) async throws -> Void) async throws {
            let directory = FileManager.default.temporaryDirectory.appendingPathComponent("streams-\(UUID())")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: directory) }
            try await body(directory)
        }

        // MARK: Standard output

        @Test("a result that finds no place is exit status 1, with a message")
        func full() async throws {
            try await SimulatedWorld.run(["--jobs", "1"]) { world in
                try await world.register()
                let list = ["list", "--stack", "mac-fleet", "--queue", world.simulator.ready.queue]
                let jobs = try await world.json("list", "--stack", "mac-fleet", "--queue", world.simulator.ready.queue)
                let job = try #require((jobs["jobs"] as? [[String: Any]])?.first?["id"] as? String)
                _ = try await world.json("reserve", "--stack", "mac-fleet", job)
                let commands = [
                    ["whoami"], list, list + ["--output", "json"], list + ["--all"],
                    ["tokens", "--stack", "mac-fleet", job],
                    ["run", "--stack", "runner", "--queue", "default", "--once", "--dry-run"],
                ]
                try await withDirectory { directory in
                    for command in commands {
                        let run = try await run(command, ">/dev/full", in: directory, environment: world.environment)
                        #expect(run.status == 1, "\(command): \(run.errors)")
                        #expect(
                            run.errors.contains("could not write to standard output: No space left"), "\(run.errors)")
                        let closed = try await self.run(command, ">&-", in: directory, environment: world.environment)
                        #expect(
                            closed.status == 1 && closed.errors.contains("could not write to standard output"),
                            "\(command)")
                    }
                    // A reader that has enough, as `head` has.
                    let gone = try await run(list, ">&4", in: directory, environment: world.environment)
                    #expect(gone.status == 1 && gone.errors.isEmpty, "\(gone.errors)")
                }
            }
        }

        @Test(
            "help, version and completions are results too",
            arguments: [["--help"], ["--version"], ["help", "list"], ["--generate-completion-script", "bash"]])
        func help(arguments: [String]) async throws {
            try await withDirectory { directory in
                let full = try await run(arguments, ">/dev/full", in: directory)
                #expect(full.status == 1 && full.errors.contains("No space left"), "\(full.errors)")
                let gone = try await run(arguments, ">&4", in: directory)
                #expect(gone.status == 1 && gone.errors.isEmpty, "\(gone.errors)")
                #expect(try await run(arguments, "", in: directory).status == 0)
            }
        }

        // MARK: Standard error

        @Test(
            "a message that finds no place changes no exit status, and no signal ends the tool",
            arguments: ["2>&-", "2>/dev/full", "2>&4", "2>&4 >&4", "<&- >&- 2>&-"])
        func unheard(redirection: String) async throws {
            try await SimulatedWorld.run { world in
                try await withDirectory { directory in
                    let refused = try await run(
                        ["whoami", "--token", "bkct_other", "--log-level", "trace"], redirection, in: directory,
                        environment: world.environment)
                    #expect(refused.status == 1)
                    let mistaken = try await run(["frobnicate"], redirection, in: directory)
                    #expect(mistaken.status == 64)
                    let done = try await run(
                        ["whoami", "--log-level", "trace"], redirection, in: directory, environment: world.environment)
                    #expect(done.status == (redirection.contains(">&4 ") || redirection.contains(" >&-") ? 1 : 0))
                }
            }
        }

        private func controller(_ world: SimulatedWorld, _ options: [String] = [], _ command: [String]) -> [String] {
            [
                "run", "--stack", "runner", "--queue", world.simulator.ready.queue, "--poll-interval", "0.2",
                "--log-level", "debug",
            ] + options + ["--"] + command
        }

        @Test(
            "a controller whose log's reader is gone starts its jobs all the same",
            arguments: ["2>&4", "2>/dev/full", "2>&-"])
        func deadReader(redirection: String) async throws {
            try await SimulatedWorld.run(["--jobs", "3"]) { world in
                try await withDirectory { directory in
                    // Its own output would end a command that writes it to nobody.
                    let run = try await run(
                        controller(world, ["--once", "--job-logs", directory.path], [Checkout.demoAgent.path]),
                        redirection,
                        in: directory, environment: world.environment)
                    #expect(run.status == 0)
                    #expect(try await world.control("report")["finished"] as? Int == 3)
                }
            }
        }

        @Test("a controller whose log nobody reads starts its jobs, and two signals end it")
        func stalledReader() async throws {
            try await SimulatedWorld.run(["--jobs", "1"]) { world in
                try await withDirectory { directory in
                    try await withGate { gate in
                        let pipe = directory.appendingPathComponent("log").path
                        try #require(mkfifo(pipe, 0o600) == 0)
                        let end = open(pipe, O_RDWR | O_NONBLOCK)
                        defer { close(end) }
                        let block = [UInt8](repeating: 10, count: 4096)
                        while write(end, block, block.count) > 0 {}
                        let tool = try start(
                            controller(
                                world, ["--job-logs", directory.path],
                                ["bash", "-c", gate.agent, Checkout.demoAgent.path]),
                            "2>'\(pipe)'", in: directory, environment: world.environment)
                        try await gate.waitUntilStarted()
                        tool.signal(SIGTERM)
                        // The signals are told apart when the first has been heard.
                        try await until { try await world.isDrained() }
                        tool.signal(SIGTERM)
                        let outcome = try await tool.outcome(within: .seconds(60))
                        #expect(outcome.exitStatus == 1)
                        #expect(try gate.commandHasEnded())
                    }
                }
            }
        }

        @Test("a hang-up is noted and changes nothing: jobs are started on, and the running ones end in peace")
        func hangUp() async throws {
            try await SimulatedWorld.run(["--jobs", "1"]) { world in
                try await withDirectory { directory in
                    try await withGate { gate in
                        let tool = try start(
                            controller(world, [], ["bash", "-c", gate.agent, Checkout.demoAgent.path]), "",
                            in: directory,
                            environment: world.environment)
                        try await gate.waitUntilStarted()
                        tool.signal(SIGHUP)
                        try await until { tool.errorText.contains("SIGHUP ignored: there is no configuration file to reload") }
                        try gate.open()
                        try await until { try await world.control("report")["finished"] as? Int == 1 }
                        tool.signal(SIGTERM)
                        let outcome = try await tool.outcome(within: .seconds(30))
                        #expect(outcome.exitStatus == 0, "\(outcome.errorText)")
                    }
                }
            }
        }

        @Test("commands get every signal as it is by default")
        func dispositions() async throws {
            try await SimulatedWorld.run(["--jobs", "1"]) { world in
                let run = try await world.stacksctl(
                    controller(
                        world, ["--once"],
                        ["bash", "-c", "grep SigIgn /proc/self/status; exec \"$0\"", Checkout.demoAgent.path]))
                #expect(run.status == 0, "\(run.errors)")
                let line = try #require(run.errors.split(separator: "\n").first { $0.hasPrefix("SigIgn:") })
                let ignored = try #require(
                    UInt64(line.dropFirst("SigIgn:".count).drop(while: \.isWhitespace), radix: 16))
                // The first 31 are the signals that have names; the C library keeps some of the others for itself.
                #expect(ignored & 0x7FFF_FFFF == 0, "\(line)")
            }
        }

        // MARK: What the log says

        @Test("jobs that went well are named: when they are launched and when they have ended, with a status")
        func namesJobs() async throws {
            try await SimulatedWorld.run { world in
                let jobs = try await world.addJobs(3)
                let run = try await world.stacksctl(controller(world, ["--once"], [Checkout.demoAgent.path]))
                let lines = run.errors.split(separator: "\n")
                for job in jobs {
                    let own = lines.filter { $0.contains(" info ") && $0.contains("job=\(job)") }
                    #expect(own.count { $0.hasSuffix("Launched the job") } == 1, "\(run.errors)")
                    let ended = own.filter { $0.hasSuffix("The job's launcher has ended") }
                    #expect(ended.count == 1 && ended[0].contains("status=0") && ended[0].contains("duration="))
                }
            }
        }

        @Test("a rule with line ends and escapes writes no line of its own, and jobs are told of by rule")
        func forgedLines() async throws {
            try await SimulatedWorld.run { world in
                let forged = "2026-01-01T00:00:00+0000 critical stacksctl: all is lost"
                let rule = "os=x\n\(forged)\u{1B}[2J\u{202E}\u{E0041}\u{200B}"
                _ = try await world.addJobs(50, ["agent_query_rules": [rule]])
                _ = try await world.addJobs(1)
                let run = try await world.stacksctl(controller(world, ["--once"], [Checkout.demoAgent.path]))
                #expect(run.status == 0, "\(run.errors)")
                #expect(!run.errors.split(separator: "\n").contains { $0.hasPrefix("2026-01-01") })
                #expect(!run.errors.unicodeScalars.contains { $0 != "\n" && $0 != "\t" && VisibleText.isHidden($0) })
                #expect(run.errors.components(separatedBy: "50 jobs do not match").count == 2, "\(run.errors)")
            }
        }

        /// Waits until a condition holds; the suite's time limit ends it.
        private func until(_ condition: () async throws -> Bool) async throws {
            while try await !condition() { try await Task.sleep(for: .milliseconds(10)) }
        }
    }

    extension SimulatedWorld {
        /// Whether the controller polls no more: two looks in a row see the same number of polls.
        fileprivate func isDrained() async throws -> Bool {
            func polls() async throws -> Int? {
                (try await control("report")["requests"] as? [String: Int])?["list-scheduled-jobs"]
            }
            let before = try await polls()
            try await Task.sleep(for: .milliseconds(1500))
            return try await polls() == before
        }
    }
#endif
