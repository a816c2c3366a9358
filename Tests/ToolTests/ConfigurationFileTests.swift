import Foundation
import TestServers
import Testing

/// `stacksctl run --config` with the real simulator, real processes and a file that changes.
@Suite("Run with a configuration file", .timeLimit(.minutes(5)))
struct ConfigurationFileTests {
    /// A directory with a configuration file.
    private struct Place {
        let directory: URL
        var file: String { directory.appending(path: "stacks.yaml").path }

        init(_ text: String) throws {
            directory = FileManager.default.temporaryDirectory.appending(path: "config-\(UUID())")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            try write(text)
        }

        /// Puts the text in the place of the file at once, as editors and deployments do.
        func write(_ text: String, to name: String = "stacks.yaml") throws {
            try Data(text.utf8).write(to: directory.appending(path: name), options: .atomic)
        }
    }

    private func with<Result>(_ text: String, _ body: (Place) async throws -> Result) async throws -> Result {
        let place = try Place(text)
        defer { try? FileManager.default.removeItem(at: place.directory) }
        return try await body(place)
    }

    private func start(
        _ world: SimulatedWorld, _ place: Place, _ options: String..., token: Bool = true
    ) throws -> ChildProcess {
        var environment = world.environment
        if !token { environment["BUILDKITE_AGENT_TOKEN"] = nil }
        return try ToolRun.start(
            ["run", "--config", place.file, "--poll-interval", "0.2"] + options, environment: environment)
    }

    private func wait(for text: String, of tool: ChildProcess) async throws {
        while !tool.errorText.contains(text) { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// Waits until the simulator's report says so.
    private func until(_ world: SimulatedWorld, _ name: String, is count: Int) async throws {
        while try await world.control("report")[name] as? Int != count { try await Task.sleep(for: .milliseconds(20)) }
    }

    private let agent = Checkout.demoAgent.path

    @Test("several stacks share the slots of one process and one connection, and the summary names each")
    func fleet() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--queue", "a", "--queue", "b"]) { world in
            _ = try await world.addJobs(4, ["queue": "a"])
            _ = try await world.addJobs(3, ["queue": "b"])
            try await with(
                """
                slots: 2
                stacks:
                - {key: one, queue: a, command: ['\(agent)']}
                - {key: two, queue: b, command: ['\(agent)']}
                """
            ) { place in
                let tool = try start(world, place, "--once", "--output", "json")
                let run = ToolRun(try await tool.outcome())
                #expect(run.status == 0, "\(run.errors)")
                let stacks = try #require(try run.document()["stacks"] as? [[String: Any]])
                #expect(stacks.map { $0["stack"] as? String } == ["one", "two"])
                let finished = stacks.map { ($0["jobs"] as? [String: Int])?["finished"] }
                #expect(finished == [4, 3])
                let table = ToolRun(try await start(world, place, "--once").outcome())
                #expect(table.lines.first?.split(separator: " ") == ["STACK", "one", "two"])
            }
        }
    }

    @Test("SIGHUP lets stacks come, change and drain; jobs that run stay")
    func reload() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--queue", "a", "--queue", "b", "--queue", "c"]) { world in
            let held = FileManager.default.temporaryDirectory.appending(path: "held-\(UUID())").path
            defer { try? FileManager.default.removeItem(atPath: held) }
            // Its job has an agent that ends when the file is there.
            let script = "echo started >&2; until [ -e '\(held)' ]; do sleep 0.05; done; exec '\(agent)'"
            let first = "- {key: one, queue: a, command: [sh, -c, \"\(script)\"]}\n"
            try await with("slots: 1\nstacks:\n\(first)- {key: two, queue: b, command: ['\(agent)']}\n") { place in
                let tool = try start(world, place)
                _ = try await world.addJobs(1, ["queue": "a"])
                try await wait(for: "started", of: tool)

                // One drains while its job runs, a third comes, and another slot.
                try place.write(
                    "slots: 2\nstacks:\n- {key: two, queue: b, tags: {os: linux}, command: ['\(agent)']}\n"
                        + "- {key: three, queue: c, command: ['\(agent)']}\n")
                tool.signal(SIGHUP)
                try await wait(for: "SIGHUP: one drains; two changes its tags; three begins; 2 slots", of: tool)
                _ = try await world.addJobs(1, ["queue": "b", "agent_query_rules": ["os=linux"]])
                _ = try await world.addJobs(1, ["queue": "c"])
                try await until(world, "finished", is: 2)

                // A bad file changes nothing.
                try place.write("slots: none\nstacks: []\n")
                tool.signal(SIGHUP)
                try await wait(for: "\(place.file):1:8: slots is 'none'", of: tool)
                _ = try await world.addJobs(1, ["queue": "c"])
                try await until(world, "finished", is: 3)

                try Data().write(to: URL(filePath: held))
                try await until(world, "finished", is: 4)
                tool.signal(SIGTERM)
                let run = ToolRun(try await tool.outcome())
                #expect(run.status == 0, "\(run.errors)")
                let report = try await world.control("report")
                #expect(report["launched_twice"] as? Int == 0 && report["lost"] as? Int == 0)
            }
        }
    }

    @Test("a file that has changed is read again by itself, and what needs a restart is named")
    func change() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--queue", "a", "--queue", "b"]) { world in
            let stack = "- {key: one, queue: a, command: ['\(agent)']}\n"
            try await with("stacks:\n\(stack)") { place in
                let tool = try start(world, place)
                try await wait(for: "Registered the stack", of: tool)
                try place.write("timeout: 20\nstacks:\n- {key: one, queue: b, command: ['\(agent)']}\n")
                try await wait(for: "The configuration file has changed: one drains and begins again", of: tool)
                try await wait(for: "These settings change when stacksctl is started again: timeout", of: tool)
                _ = try await world.addJobs(2, ["queue": "b"])
                try await until(world, "finished", is: 2)
                tool.signal(SIGTERM)
                #expect(try await tool.outcome().exitStatus == 0)
            }
        }
    }

    @Test(
        "a token file is read again when it changes and when its token is refused, and its last line break is no part of it"
    )
    func tokenFile() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--queue", "a"]) { world in
            try await with("") { place in
                let token = place.directory.appending(path: "token").path
                try place.write("\(world.simulator.ready.token)\n", to: "token")
                try place.write("token-file: \(token)\nstacks:\n- {key: one, queue: a, command: ['\(agent)']}\n")
                let tool = try start(world, place, token: false)
                _ = try await world.addJobs(1, ["queue": "a"])
                try await until(world, "finished", is: 1)
                try place.write(world.simulator.ready.token, to: "token")
                try await wait(for: "The token file has changed", of: tool)
                _ = try await world.addJobs(1, ["queue": "a"])
                try await until(world, "finished", is: 2)
                tool.signal(SIGTERM)
                let run = ToolRun(try await tool.outcome())
                #expect(run.status == 0 && !run.errors.contains(world.simulator.ready.token))
            }
        }
    }

    @Test("--check says that a file is good, or all that is wrong with it, and starts nothing")
    func check() async throws {
        try await with("slots: 2\nstacks:\n- {key: one, queue: a, command: ['true']}\n") { place in
            func check(_ arguments: String..., environment: [String: String] = [:]) async throws -> ToolRun {
                try await ToolRun.stacksctl(["run", "--config", place.file] + arguments, environment: environment)
            }
            let good = try await check("--check")
            #expect(good.status == 0 && good.output == "\(place.file) is good: 1 stack and 2 slots\n")
            try place.write("slot: 2\nstacks:\n- {key: one, queue: a}\n")
            let bad = try await check("--check")
            #expect(bad.status == 64 && bad.output.isEmpty)
            #expect(bad.errors.contains("\(place.file):1:1: there is no key 'slot': is 'slots' meant?\n"))
            #expect(bad.errors.contains("\(place.file):3:3: the stack has no 'command'\n"))
            #expect(bad.errors.contains("stacksctl: the configuration has 2 mistakes."))
            #expect(try await check("--queue", "a").errors.contains("With --config, --queue belongs in the file."))
            let gone = try await ToolRun.stacksctl(["run", "--config", "/nowhere.yaml", "--check"])
            #expect(gone.status == 64)
            #expect(gone.errors.contains("the configuration file /nowhere.yaml cannot be read: No such file"))
        }
        let alone = try await ToolRun.stacksctl(["run", "--stack", "s", "--queue", "q", "--check", "--", "true"])
        #expect(alone.status == 64 && alone.errors.contains("--check needs --config."))
    }
}
