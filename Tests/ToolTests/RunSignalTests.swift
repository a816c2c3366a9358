import ArgumentParser
import Foundation
import TestServers
import Testing

@testable import stacksctl

/// What signals do to `stacksctl run`, and what is said of that.
@Suite("Signals", .timeLimit(.minutes(5)))
struct RunSignalTests {
    @Test("the help and the article about production have the same table, and it names every signal that is caught")
    func table() throws {
        let article = Checkout.root
            .appendingPathComponent("Sources/StacksController/StacksController.docc/RunningInProduction.md")
        let rows = try String(contentsOf: article, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("| SIG") }.map(String.init)
        #expect(rows == RunSignal.table.map { "| \($0.names) | \($0.effect) |" })
        // The help is wrapped.
        let help = Run.helpMessage(includeHidden: false, columns: 1000)
        for signal in RunSignal.table { #expect(help.contains("  \(signal.names): \(signal.effect).")) }
        for signal in RunSignal.trapped {
            #expect(RunSignal.table.contains { $0.names.contains("\(signal)") }, "\(signal)")
        }
    }

    #if os(Linux)
        /// A controller with a command that runs until the gate is opened.
        private func withRunningCommand(
            _ body: (SimulatedWorld, ChildProcess, Gate) async throws -> Void
        ) async throws {
            try await SimulatedWorld.run(["--jobs", "1"]) { world in
                try await withGate { gate in
                    let tool = try ToolRun.start(
                        [
                            "run", "--stack", "runner", "--queue", "default", "--poll-interval", "0.2", "--log-level",
                            "notice", "--", "bash", "-c", gate.agent, Checkout.demoAgent.path,
                        ], environment: world.environment)
                    try await gate.waitUntilStarted()
                    try await body(world, tool, gate)
                }
            }
        }

        private func until(_ condition: () async throws -> Bool) async throws {
            while try await !condition() { try await Task.sleep(for: .milliseconds(5)) }
        }

        @Test("SIGUSR1 logs the status in one line at the level notice, as often as it is sent, and changes nothing")
        func status() async throws {
            try await withRunningCommand { world, tool, gate in
                for count in 1...2 {
                    tool.signal(SIGUSR1)
                    try await until { tool.errorText.components(separatedBy: " running; 1 seen").count > count }
                }
                let lines = tool.errorText.split(separator: "\n").filter { $0.contains(" running; 1 seen") }
                #expect(lines.count == 2 && lines.allSatisfy { $0.contains(" notice ") && $0.contains("stack=runner") })
                try gate.open()
                try await until { try await world.control("report")["finished"] as? Int == 1 }
                tool.signal(SIGTERM)
                let outcome = try await tool.outcome(within: .seconds(60))
                #expect(outcome.exitStatus == 0, "\(outcome.errorText)")
            }
        }

        @Test("while it drains, SIGUSR1 says so, and SIGQUIT stops it")
        func quitWhileDraining() async throws {
            try await withRunningCommand { _, tool, gate in
                tool.signal(SIGTERM)
                try await until { tool.errorText.contains("draining; a second signal") }
                tool.signal(SIGUSR1)
                try await until { tool.errorText.contains(" draining; 1 seen") }
                tool.signal(SIGQUIT)
                let outcome = try await tool.outcome(within: .seconds(60))
                #expect(outcome.exitStatus == 1 && outcome.errorText.contains("SIGQUIT"), "\(outcome.errorText)")
                #expect(try gate.commandHasEnded())
            }
        }

        /// Whether this user may make a namespace of processes, as a container has.
        private static let canUnshare: Bool = {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/unshare")
            process.arguments = ["--pid", "--fork", "--mount-proc", "true"]
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }()

        @Test(
            "as process 1 it reaps what commands leave behind, and SIGTERM drains it",
            .enabled(if: Self.canUnshare))
        func firstProcess() async throws {
            try await SimulatedWorld.run(["--jobs", "1"]) { world in
                try await withGate { gate in
                    var environment = world.environment
                    environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
                    // It leaves a hundred children to process 1, and waits until they have ended and were reaped.
                    let agent = #"""
                        [ "$PPID" = 1 ] || exit 9
                        for i in $(seq 100); do (sleep 0.01 &) ; done
                        while cat /proc/[0-9]*/stat 2>/dev/null | grep -q '(sleep)'; do :; done
                        kill -TERM 1

                        """#
                    let child = try ChildProcess(
                        URL(filePath: "/usr/bin/unshare"),
                        [
                            "--pid", "--fork", "--mount-proc", "--kill-child", "--",
                            BuiltProducts.executable(named: "stacksctl").path, "run", "--stack", "runner", "--queue",
                            "default", "--poll-interval", "0.2", "--", "bash", "-c", agent + gate.agent,
                            Checkout.demoAgent.path,
                        ], environment: environment, input: [])
                    try await gate.waitUntilStarted()
                    try await until { child.errorText.contains("draining; a second signal") }
                    try gate.open()
                    let outcome = try await child.outcome(within: .seconds(60))
                    #expect(outcome.exitStatus == 0, "\(outcome.errorText)")
                    #expect(try await world.control("report")["finished"] as? Int == 1)
                }
            }
        }
    #endif
}
