import Foundation
import StacksController
import TestServers
import Testing

@testable import stacksctl

/// What people and log collectors see of `stacksctl run`.
@Suite("What run shows", .timeLimit(.minutes(5)))
struct RunOutputTests {
    private func arguments(_ world: SimulatedWorld, _ options: [String], _ command: [String]) -> [String] {
        ["run", "--stack", "runner", "--queue", world.simulator.ready.queue, "--poll-interval", "0.2", "--once"]
            + options + (command.isEmpty ? [] : ["--"] + command)
    }

    #if os(Linux)
        @Test("on a terminal one line is painted over and over, log lines stand above it, and nothing is left of it")
        func terminal() async throws {
            let go = FileManager.default.temporaryDirectory.appendingPathComponent("go-\(UUID())")
            defer { try? FileManager.default.removeItem(at: go) }
            // Nothing ends before the line has been seen.
            let agent = "until [ -e \"$0\" ]; do sleep 0.02; done; exec \"$1\""
            try await SimulatedWorld.run(["--jobs", "6"]) { world in
                let clear = "\r\u{1B}[2K"
                let words =
                    [try BuiltProducts.executable(named: "stacksctl").path]
                    + arguments(
                        world, ["--max-in-flight", "2"], ["bash", "-c", agent, go.path, Checkout.demoAgent.path])
                var environment = world.environment
                environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
                environment["TERM"] = "xterm"
                let command = "stty cols 60; " + words.map { "'\($0)'" }.joined(separator: " ")
                let child = try ChildProcess(
                    URL(fileURLWithPath: "/usr/bin/script"), ["-qec", command, "/dev/null"],
                    environment: environment, input: [])
                while !child.text.contains("2/2 in flight") { try await Task.sleep(for: .milliseconds(5)) }
                try Data().write(to: go)
                let shown = try await child.outcome().text
                let paintings = shown.components(separatedBy: clear)
                try #require(paintings.count > 2, "\(shown)")
                #expect(paintings.contains { $0.contains("in flight") && $0.contains("waiting") })
                // None wraps, and what follows one on its own line is a line of the log.
                for painting in paintings.dropFirst().dropLast() where !painting.contains("\n") {
                    #expect(painting.count < 60)
                }
                #expect(paintings.contains { $0.contains(" notice Nothing is scheduled") })
                #expect(!shown.contains(" info "))
                let rest = try #require(paintings.last)
                #expect(rest.hasPrefix("stack "), "\(rest)")
                #expect(!shown.contains(SimulatedWorld.secretToken) && !shown.contains("bkjat_"))
            }
        }

        @Test("what commands print stands above the painted line, whole lines at a time, with colours and nothing else")
        func commandOutput() async throws {
            try await SimulatedWorld.run(["--jobs", "4"]) { world in
                let clear = "\r\u{1B}[2K"
                let script = """
                    printf 'said ' >&2; printf 'by the job\\n' >&2; printf 'a\\033[31mred\\033[0m\\033[5A\\n'
                    printf '10%%\\r20%%\\r\\n'; exec "$0"
                    """
                let words =
                    [try BuiltProducts.executable(named: "stacksctl").path]
                    + arguments(world, ["--max-in-flight", "1"], ["bash", "-c", script, Checkout.demoAgent.path])
                var environment = world.environment
                environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
                environment["TERM"] = "xterm"
                environment["TOOL"] =
                    "stty cols 200; "
                    + words.map { "'" + $0.replacingOccurrences(of: "'", with: #"'\''"#) + "'" }.joined(separator: " ")
                let child = try ChildProcess(
                    URL(fileURLWithPath: "/usr/bin/script"), ["-qec", #"eval "$TOOL""#, "/dev/null"],
                    environment: environment, input: [])
                let shown = try await child.outcome(within: .seconds(60)).text
                for line in ["said by the job\r\n", "a\u{1B}[31mred\u{1B}[0m\\u{1b}[5A\u{1B}[0m\r\n", "20%\r\n"] {
                    #expect(shown.components(separatedBy: line).count == 5, "\(line): \(shown)")
                }
                // Nothing follows the painted line on its own row.
                for painting in shown.components(separatedBy: clear) where painting.contains("in flight") {
                    let rest = painting[painting.range(of: "in flight")!.upperBound...]
                    #expect(!rest.contains("said") && !rest.contains("\n"), "\(painting)")
                }
            }
        }
    #endif

    @Test("elsewhere there are plain lines, without an escape")
    func plain() async throws {
        try await SimulatedWorld.run(["--jobs", "2"]) { world in
            let run = try await world.stacksctl(arguments(world, [], [Checkout.demoAgent.path]))
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors.contains("Registered the stack runner"))
            #expect(!(run.errors + run.output).contains("\u{1B}"))
        }
    }

    @Test("a dry run says of each job that it would start it, how many would wait, and sums it up")
    func dryRun() async throws {
        try await SimulatedWorld.run(["--jobs", "3"]) { world in
            let run = try await world.stacksctl(
                arguments(world, ["--dry-run", "--max-in-flight", "2", "--output", "json"], []))
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors.components(separatedBy: "Would start this job").count == 4)
            #expect(run.errors.contains("3 scheduled jobs match: 2 would be started now, 1 would wait for a slot"))
            #expect((try run.document()["jobs"] as? [String: Int])?["suiting"] == 3)
            #expect(try await world.control("report")["reserved"] as? Int == 0)
        }
    }

    @Test("what commands print can go to a file for each job")
    func jobLogs() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("logs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await SimulatedWorld.run { world in
            let job = try await world.addJobs()[0]
            let run = try await world.stacksctl(
                arguments(
                    world, ["--job-logs", directory.path],
                    ["bash", "-c", "echo from the job; exec \"$0\"", Checkout.demoAgent.path]))
            #expect(run.status == 0, "\(run.errors)")
            #expect(!run.errors.contains("from the job"))
            let file = directory.appendingPathComponent("\(job).log")
            #expect(try String(contentsOf: file, encoding: .utf8) == "from the job\n")

            let wrong = try await world.stacksctl(arguments(world, ["--job-logs", "/nowhere"], ["true"]))
            #expect(wrong.status == 64)
            #expect(wrong.errors.contains("/nowhere"))
        }
    }

    @Test("a token's life out of its range is a mistake in the command line")
    func tokenLifetime() async throws {
        let run = try await ToolRun.stacksctl(
            ["run", "--stack", "k", "--queue", "-", "--once", "--token-lifetime", "3601", "--", "true"],
            environment: ["BUILDKITE_AGENT_TOKEN": "bkct_test", "BUILDKITE_AGENT_ENDPOINT": "http://127.0.0.1:9/v3"]
        )
        #expect(run.status == 64)
        #expect(run.errors.contains("3601"))
    }

    @Test("the line says what is in flight, what waits, and in words why nothing starts")
    func line() {
        var status = ControllerStatus()
        status.phase = .running
        status.slots = 4
        status.current.running = 3
        status.current.launching = 1
        status.current.waiting = 7
        status.totals.finished = 12
        status.idleReason = .full
        status.sinceLastPoll = .seconds(1)
        #expect(
            LiveProgress.line(for: status, stack: "fleet")
                == "fleet running · 4/4 in flight (3 running) · 7 waiting · 12 finished · every slot is taken")
        status.sinceLastPoll = .seconds(42)
        status.idleReason = .unreachable
        #expect(
            LiveProgress.line(for: status, stack: "fleet").hasSuffix("polled 42 s ago · Buildkite cannot be reached"))
    }
}
