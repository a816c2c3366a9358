import Foundation
import StacksTransport
import TestServers
import Testing

@testable import stacksctl

#if os(Linux)
    /// What the tool writes to standard error, for programs that read it.
    @Suite("Logs for machines", .timeLimit(.minutes(5)))
    struct LogFormatTests {
        /// The objects of the lines: each must be one, with what every line has.
        private func objects(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [[String:
            Any]]
        {
            #expect(text.isEmpty || text.hasSuffix("\n"), sourceLocation: sourceLocation)
            #expect(!text.unicodeScalars.contains { $0 != "\n" && VisibleText.isHidden($0) }, "\(text)")
            return try text.split(separator: "\n").map { line in
                let value = try? JSONSerialization.jsonObject(with: Data(line.utf8))
                let object = try #require(value as? [String: Any], "\(line)", sourceLocation: sourceLocation)
                let time = try #require(object["time"] as? String, "\(line)")
                #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(line)")
                #expect(
                    object["level"] is String && object["logger"] is String && object["message"] is String, "\(line)")
                return object
            }
        }

        /// The names in the tables of the article about logs.
        private func documentedNames() throws -> Set<String> {
            let article = Checkout.root.appendingPathComponent("Sources/StacksAPI/StacksAPI.docc/Logs.md")
            let rows = try String(contentsOf: article, encoding: .utf8).split(separator: "\n").filter {
                $0.hasPrefix("| `")
            }
            return Set(
                rows.flatMap { row in
                    row.split(separator: "|")[0].matches(of: /`([a-z_]+)`/).map { String($0.1) }
                })
        }

        private func run(_ world: SimulatedWorld, _ options: [String], _ command: String...) -> [String] {
            [
                "run", "--stack", "runner", "--queue", world.simulator.ready.queue, "--poll-interval", "0.2", "--once",
                "--log-format", "json",
            ] + options + (command.isEmpty ? [] : ["--"] + command)
        }

        @Test("every line of a run is an object, and names its stack, queue, job, call, status and attempt")
        func everyLine() async throws {
            try await SimulatedWorld.run { world in
                let rule = "os=x\n{\"level\":\"critical\"}\u{1B}[2J\u{202E}\u{E0041}"
                _ = try await world.addJobs(1, ["agent_query_rules": [rule]])
                let job = try await world.addJobs()[0]
                try await world.control(
                    "faults", method: "POST",
                    body: ["kind": "refuse", "operation": "reserve-jobs", "status": 503, "count": 1])
                let run = try await world.stacksctl(
                    run(world, ["--log-level", "trace", "--log-payloads"], Checkout.demoAgent.path))
                #expect(run.status == 0, "\(run.errors)")
                let lines = try objects(run.errors)

                // The controller's lines.
                let launched = try #require(lines.first { $0["message"] as? String == "Launched the job" })
                #expect(launched["stack"] as? String == "runner" && launched["queue"] as? String == "default")
                #expect(launched["job"] as? String == job && launched["level"] as? String == "info")
                #expect(
                    launched["logger"] as? String == "stacksctl" && launched["source"] as? String == "StacksController")
                #expect(launched["build"] is Int)
                let ended = try #require(lines.first { $0["message"] as? String == "The job's launcher has ended" })
                #expect(ended["exit_status"] as? Int == 0 && (ended["duration"] as? Double ?? -1) >= 0)
                let failed = try #require(
                    lines.first { ($0["message"] as? String)?.hasPrefix("The call 'reserve'") == true })
                #expect(failed["call"] as? String == "reserveJobs" && failed["purpose"] as? String == "reserve")
                #expect(failed["status"] as? Int == 503 && failed["attempt"] as? Int == 1)
                #expect(failed["level"] as? String == "warning")

                // The client's, under the same names.
                let calls = lines.filter { $0["source"] as? String == "StacksAPI" }
                #expect(calls.contains { $0["call"] as? String == "reserveJobs" && $0["status"] as? Int == 503 })
                #expect(calls.contains { $0["call"] as? String == "scheduledJobs" && $0["attempt"] as? Int == 1 })
                #expect(calls.allSatisfy { $0["call"] is String || $0["request_id"] == nil })
                #expect(
                    calls.filter { $0["call"] as? String == "reserveJobs" }.allSatisfy {
                        $0["stack"] as? String == "runner"
                    })
                #expect(calls.contains { $0["reused_connection"] is Bool && $0["total"] is Double })

                // Every name is documented.
                let names = Set(lines.filter { $0["source"] as? String != "ServiceLifecycle" }.flatMap(\.keys))
                #expect(try names.subtracting(documentedNames()) == [])
                #expect(names.count > 20)

                // The rule is in it, and has forged nothing.
                #expect(run.errors.contains("os=x"))
                #expect(!lines.contains { $0["level"] as? String == "critical" })
                #expect(!run.errors.contains(SimulatedWorld.secretToken) && !run.errors.contains("bkjat_"))
            }
        }

        @Test("the reason why it ends is an object, whatever the reason")
        func endings() async throws {
            try await SimulatedWorld.run(["--jobs", "1"]) { world in
                let refused = try await world.stacksctl("whoami", "--log-format", "json", "--token", "bkct_other")
                let nowhere = try await world.stacksctl(run(world, ["--job-logs", "/no\nwhere"], "true"))
                let failed = try await world.stacksctl(run(world, [], "false"))
                let unknown = try await world.stacksctl("--log-format=json", "frobnicate")
                let wrong = try await world.stacksctl(run(world, ["--max-in-flight", "0"], "true"))
                let unread = try await world.stacksctl("--log-format", "json", "list", "--queue")
                let ends: [(run: ToolRun, status: Int32, said: String)] = [
                    (refused, 1, "401"), (nowhere, 64, "/no\\nwhere"), (failed, 1, "1 of the jobs failed"),
                    (unknown, 64, "frobnicate"), (wrong, 64, "--max-in-flight"), (unread, 64, "--queue"),
                ]
                for end in ends {
                    let last = try #require(try objects(end.run.errors).last, "\(end.said)")
                    #expect(end.run.status == end.status, "\(end.run.errors)")
                    #expect(last["level"] as? String == "error" && last["logger"] as? String == "stacksctl")
                    #expect((last["message"] as? String)?.contains(end.said) == true, "\(end.run.errors)")
                }
            }
        }

        @Test("text is for people, and a format that there is not is a mistake in the command line")
        func text() async throws {
            let run = try await ToolRun.stacksctl(["whoami", "--log-format", "text"])
            #expect(run.status == 64 && run.errors.hasPrefix("stacksctl: no token"))
            let wrong = try await ToolRun.stacksctl(["whoami", "--log-format", "xml"])
            #expect(wrong.status == 64 && wrong.errors.contains("xml"))
            typealias Format = GlobalOptions.LogFormat
            #expect(Format.requested(by: ["stacksctl", "run", "--", "--log-format", "json"]) == nil)
            #expect(Format.requested(by: ["stacksctl", "--log-format"]) == nil)
            #expect(Format.requested(by: ["stacksctl", "--log-format=json", "--log-format", "text"]) == .text)
        }

        @Test("what commands print is in objects too, line by line, whole")
        func commandOutput() async throws {
            try await SimulatedWorld.run { world in
                _ = try await world.addJobs()
                let script = #"""
                    printf 'a "line"\033[31m\n\n'; head -c 20000 /dev/zero | tr '\0' x; echo; printf '{"level":"critical"}' >&2
                    exec "$0"
                    """#
                let run = try await world.stacksctl(run(world, [], "bash", "-c", script, Checkout.demoAgent.path))
                #expect(run.status == 0, "\(run.errors)")
                let lines = try objects(run.errors)
                let printed = lines.filter { $0["logger"] as? String == "command" }.compactMap {
                    $0["message"] as? String
                }
                #expect(printed.first == "a \"line\"\u{1B}[31m" && printed.dropFirst().first == "")
                #expect(printed.joined().contains(String(repeating: "x", count: 20_000)))
                #expect(printed.contains { $0.contains(#"{"level":"critical"}"#) })
                #expect(!lines.contains { $0["level"] as? String == "critical" })
            }
        }

        @Test("on a terminal there is no status line")
        func terminal() async throws {
            try await SimulatedWorld.run(["--jobs", "2"]) { world in
                let words =
                    [try BuiltProducts.executable(named: "stacksctl").path]
                    + run(world, ["--output", "json"], Checkout.demoAgent.path)
                var environment = world.environment
                environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
                environment["TERM"] = "xterm"
                let command = words.map { "'\($0)'" }.joined(separator: " ") + " >/dev/null"
                let child = try ChildProcess(
                    URL(fileURLWithPath: "/usr/bin/script"), ["-qec", command, "/dev/null"], environment: environment,
                    input: [])
                let outcome = try await child.outcome(within: .seconds(60))
                #expect(outcome.exitStatus == 0, "\(outcome.text)")
                let lines = try objects(outcome.text.replacingOccurrences(of: "\r\n", with: "\n"))
                #expect(lines.contains { $0["message"] as? String == "Launched the job" }, "the level is that of a log")
            }
        }

        // MARK: The journal

        /// Runs the tool with what systemd sets for a unit whose standard error goes to the journal, or, when it is off
        /// by one, to another stream.
        private func underSystemd(_ world: SimulatedWorld, offByOne: Bool, _ arguments: [String]) async throws
            -> ToolRun
        {
            var environment = world.environment
            environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
            let script = """
                JOURNAL_STREAM=$(stat -L -c %d /dev/fd/2):$(($(stat -L -c %i /dev/fd/2) + $0)) exec "$@"
                """
            let child = try ChildProcess(
                URL(fileURLWithPath: "/bin/bash"),
                ["-c", script, offByOne ? "1" : "0", BuiltProducts.executable(named: "stacksctl").path] + arguments,
                environment: environment, input: [])
            return ToolRun(try await child.outcome(within: .seconds(60)))
        }

        @Test("in systemd's journal a line has its level and no time, and so has each line of a longer text")
        func journal() async throws {
            try await SimulatedWorld.run { world in
                let job = try await world.addJobs()[0]
                let arguments = [
                    "run", "--stack", "runner", "--queue", world.simulator.ready.queue, "--once", "--",
                    Checkout.demoAgent.path,
                ]
                let run = try await underSystemd(world, offByOne: false, arguments)
                #expect(run.status == 0, "\(run.errors)")
                let lines = run.errors.split(separator: "\n")
                #expect(lines.allSatisfy { $0.wholeMatch(of: /<[2-7]>[^<].*/) != nil }, "\(run.errors)")
                #expect(lines.contains { $0.hasPrefix("<6>Launched the job ") && $0.contains("job=\(job)") })
                #expect(!run.errors.contains(/\d\d:\d\d:\d\d[+ ]/), "\(run.errors)")

                let refused = try await underSystemd(world, offByOne: false, ["whoami", "--token", "bkct_other"])
                #expect(refused.status == 1 && refused.errors.hasPrefix("<3>"), "\(refused.errors)")
                let usage = try await underSystemd(world, offByOne: false, ["list", "--queue"])
                #expect(usage.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("<3>") }, "\(usage.errors)")
                let json = try await underSystemd(world, offByOne: false, ["--log-format", "json"] + arguments)
                _ = try objects(json.errors)
            }
        }

        @Test("a stream that is not the journal's is written to as always")
        func otherStream() async throws {
            try await SimulatedWorld.run { world in
                let run = try await underSystemd(
                    world, offByOne: true,
                    ["run", "--stack", "runner", "--queue", "default", "--once", "--", Checkout.demoAgent.path])
                #expect(run.status == 0, "\(run.errors)")
                #expect(!run.errors.contains("<6>"))
                #expect(
                    run.errors.contains(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} info stacksctl:/), "\(run.errors)")
            }
        }
    }
#endif
