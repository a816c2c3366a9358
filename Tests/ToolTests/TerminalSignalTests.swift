import Foundation
import TestServers
import Testing

#if os(Linux)
    /// `stacksctl run` on a terminal, and the key that interrupts what runs there.
    ///
    /// The terminal is a pseudo-terminal of `script`, with the tool as its session's leader: what the key reaches is
    /// decided by the system, as on a real one.
    @Suite("Run on a terminal", .timeLimit(.minutes(5)))
    struct TerminalSignalTests {
        /// The tool on a terminal: what is shown on it, and a keyboard.
        private struct Screen: Sendable {
            let child: ChildProcess
            let directory: URL
            let keyboard: FileHandle

            var shown: String {
                (try? String(contentsOf: directory.appendingPathComponent("shown"), encoding: .utf8)) ?? ""
            }

            /// Presses control and C.
            func interrupt() throws { try keyboard.write(contentsOf: Data([3])) }

            /// Waits until `text` has been shown.
            func wait(for text: String) async throws {
                while !shown.contains(text) { try await Task.sleep(for: .milliseconds(5)) }
            }
        }

        /// A command that says when a signal reaches it, and becomes the agent when the gate is opened. The words are
        /// put together by the shell, so that they are not found in the command itself, which `script` writes down.
        private static func agent(_ gate: Gate) -> String {
            #"trap 'echo inter"rupted" >&2' INT; trap 'echo termi"nated" >&2; exit 143' TERM; "# + gate.agent
        }

        private func onTerminal(
            _ world: SimulatedWorld, _ gate: Gate, _ body: (Screen) async throws -> Void
        ) async throws {
            let directory = FileManager.default.temporaryDirectory.appendingPathComponent("screen-\(UUID())")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: directory) }
            let keyboard = directory.appendingPathComponent("keyboard").path
            try #require(mkfifo(keyboard, 0o600) == 0)
            // For both directions, so that opening it does not wait for the other end.
            let handle = try #require(FileHandle(forUpdatingAtPath: keyboard))
            let words =
                [
                    try BuiltProducts.executable(named: "stacksctl").path, "run", "--stack", "runner", "--queue",
                    world.simulator.ready.queue, "--poll-interval", "0.2", "--", "bash", "-c", Self.agent(gate),
                    Checkout.demoAgent.path,
                ]
            // One level of quotes for the shell that `script` starts.
            let command = words.map { "'" + $0.replacingOccurrences(of: "'", with: #"'\''"#) + "'" }
            var environment = world.environment
            environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
            environment["TERM"] = "xterm"
            environment["TOOL"] = "exec " + command.joined(separator: " ")
            let child = try ChildProcess(
                URL(fileURLWithPath: "/bin/sh"),
                ["-c", "exec script -qefc \"$TOOL\" '\(directory.path)/shown' <'\(keyboard)'"],
                environment: environment)
            try await body(Screen(child: child, directory: directory, keyboard: handle))
        }

        @Test(
            "the first interrupt drains: the commands do not feel it, and what goes on is shown until they have ended")
        func drains() async throws {
            try await SimulatedWorld.run(["--jobs", "1"]) { world in
                try await withGate { gate in
                    try await onTerminal(world, gate) { screen in
                        try await gate.waitUntilStarted()
                        try await screen.wait(for: "runner running · 1/10 in flight")
                        try screen.interrupt()
                        try await screen.wait(for: "draining; a second signal stops the commands")
                        try await screen.wait(for: "runner draining · 1/10 in flight")
                        try gate.open()
                        let outcome = try await screen.child.outcome()
                        #expect(outcome.exitStatus == 0, "\(screen.shown)")
                        #expect(!screen.shown.contains("interrupted") && !screen.shown.contains("terminated"))
                        #expect(try await world.control("report")["finished"] as? Int == 1)
                    }
                }
            }
        }

        @Test("the second one stops the commands at once, with SIGTERM, and the line is taken away")
        func stops() async throws {
            try await SimulatedWorld.run(["--jobs", "1"]) { world in
                try await withGate { gate in
                    try await onTerminal(world, gate) { screen in
                        try await gate.waitUntilStarted()
                        try screen.interrupt()
                        try await screen.wait(for: "draining")
                        try screen.interrupt()
                        let outcome = try await screen.child.outcome()
                        #expect(outcome.exitStatus == 1, "\(screen.shown)")
                        #expect(screen.shown.contains("a second signal (SIGINT) stopped the commands"))
                        #expect(screen.shown.contains("terminated") && !screen.shown.contains("interrupted"))
                        #expect(try gate.commandHasEnded())
                        let last = screen.shown.components(separatedBy: "\r\u{1B}[2K").last ?? ""
                        #expect(last.contains("stack ") && !last.contains("in flight"), "\(last)")
                    }
                }
            }
        }
    }
#endif
