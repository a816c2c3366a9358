import Foundation
import TestServers
import Testing

/// `stacksctl run --state-directory`, whose controller is killed half-way and started again.
@Suite("Run, killed and started again", .timeLimit(.minutes(5)))
struct RunRecoveryTests {
    /// A directory for the state, for the commands' output, and for what they and the test tell each other.
    private struct Place: Sendable {
        let root: String
        var logs: String { "\(root)/logs" }

        func write(_ name: String) throws { try Data().write(to: URL(fileURLWithPath: "\(root)/\(name)")) }

        /// The files of the jobs of the stack.
        func files() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "\(root)/runner").filter { $0 != "lock" }
        }

        /// The records among them.
        func records() throws -> [String] { try files().filter { $0.hasSuffix(".job") } }

        /// Everything that the commands have printed.
        func printed() throws -> String {
            try FileManager.default.contentsOfDirectory(atPath: logs)
                .map { try String(contentsOfFile: "\(logs)/\($0)", encoding: .utf8) }.joined()
        }

        /// The arguments of the tool for commands that are this script, with the directory as `$1`.
        func arguments(_ world: SimulatedWorld, _ options: [String], _ script: String) -> [String] {
            [
                "run", "--stack", "runner", "--queue", world.simulator.ready.queue, "--poll-interval", "0.2",
                "--state-directory", root, "--job-logs", logs, "--output", "json",
            ] + options + ["--", "bash", "-c", script, "bash", root]
        }
    }

    /// How often the states of jobs were asked for.
    private func looks(_ world: SimulatedWorld) async throws -> Int {
        (try await world.control("report")["requests"] as? [String: Int])?["get-job-states"] ?? 0
    }

    private func withPlace(_ body: (Place) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("state-\(UUID().uuidString)")
        let place = Place(root: directory.path)
        try FileManager.default.createDirectory(atPath: place.logs, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(place)
    }

    /// An agent that takes its job, works until the test makes a file, and finishes it.
    private static let agent = """
        call() {
            printf 'url = "%s/jobs/%s/%s"\\nheader = "Authorization: Token %s"\\n' "$BUILDKITE_AGENT_ENDPOINT" \\
                "$BUILDKITE_AGENT_ACQUIRE_JOB" "$1" "$BUILDKITE_AGENT_TOKEN" |
                curl --config - --silent --fail --request PUT --data '{"exit_status":0}' --output /dev/null
        }
        call acquire || exit 27
        call start
        echo working
        until [ -e "$1/go" ] || ! [ -d "$1" ]; do sleep 0.05; done
        call finish
        """

    /// One that never gets as far, and says when it is told to stop.
    private static let lateAgent = """
        trap 'echo "stopped $BUILDKITE_AGENT_ACQUIRE_JOB"; exit 143' TERM
        echo booting
        while [ -d "$1" ]; do sleep 0.05; done
        """

    private func start(_ world: SimulatedWorld, _ arguments: [String]) throws -> ChildProcess {
        try ToolRun.start(world.wire.toolArguments(world.simulator.ready) + arguments, environment: world.environment)
    }

    /// Waits until `condition` holds. The suite's time limit ends it when it never does.
    private func until(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { try await Task.sleep(for: .milliseconds(20)) }
    }

    /// Starts a controller, waits until its commands have printed `text` so many times, and kills it.
    private func killController(
        in world: SimulatedWorld, _ place: Place, _ script: String, after text: String, count: Int
    ) async throws {
        let first = try start(world, place.arguments(world, ["--max-in-flight", "\(count)"], script))
        try await until { try place.printed().components(separatedBy: text).count > count }
        first.kill()
        #expect(try await first.outcome().exitStatus == 128 + SIGKILL)
    }

    @Test("what ran goes on, is found and counted, and nothing is started twice or lost")
    func found() async throws {
        try await SimulatedWorld.run(["--jobs", "12"]) { world in
            try await withPlace { place in
                try await killController(in: world, place, Self.agent, after: "working", count: 4)
                #expect(try place.records().count == 4)

                let second = try start(world, place.arguments(world, ["--max-in-flight", "6", "--once"], Self.agent))
                // Two of its own beside the four.
                try await until { try place.printed().components(separatedBy: "working").count > 6 }
                #expect(second.errorText.contains("4 jobs are running already"))
                try place.write("go")
                let run = ToolRun(try await second.outcome())
                #expect(run.status == 0, "\(run.errors)")
                let jobs = try #require(try run.document()["jobs"] as? [String: Int])
                #expect(jobs["finished"] == 12 && jobs["launched"] == 8 && jobs["failed"] == 0)

                let report = try await world.control("report")
                #expect(report["finished"] as? Int == 12 && report["launched"] as? Int == 12)
                #expect(report["launched_twice"] as? Int == 0 && report["lost"] as? Int == 0)
                #expect(try place.files() == [])
            }
        }
    }

    @Test("a job that is cancelled has its command stopped, which another controller started")
    func cancelled() async throws {
        try await SimulatedWorld.run { world in
            let ids = try await world.addJobs(2)
            try await withPlace { place in
                try await killController(in: world, place, Self.lateAgent, after: "booting", count: 2)
                let second = try start(world, place.arguments(world, ["--max-in-flight", "2"], Self.lateAgent))
                try await until { second.errorText.contains("2 jobs are running already") }
                // It has seen that no agent has the jobs once it asks again.
                let looks = try await looks(world)
                try await until { try await self.looks(world) >= looks + 2 }
                try await world.control("jobs/\(ids[0])/cancel", method: "POST")
                try await until { try place.printed().contains("stopped \(ids[0])") }
                #expect(try !place.printed().contains("stopped \(ids[1])"))
                try await until { try place.records().count == 1 }

                // Two signals stop what is left, although it is not this controller's own.
                second.signal(SIGTERM)
                try await until { second.errorText.contains("draining") }
                second.signal(SIGTERM)
                let run = ToolRun(try await second.outcome())
                #expect(run.status == 1)
                #expect((try run.document()["jobs"] as? [String: Int])?["cancelled"] == 1)
                #expect(try place.printed().contains("stopped \(ids[1])"))
                #expect(try place.files() == [])
            }
        }
    }

    @Test("a second controller for the same stack is refused, one for another stack is not")
    func secondController() async throws {
        try await SimulatedWorld.run(["--jobs", "1"]) { world in
            try await withPlace { place in
                let first = try start(world, place.arguments(world, [], Self.agent))
                try await until { try place.printed().contains("working") }
                let refused = try await world.stacksctl(place.arguments(world, ["--once"], Self.agent))
                #expect(refused.status == 64)
                #expect(
                    refused.errors.contains("is used by another controller (process ")
                        && refused.errors.contains("\(place.root)/runner"), "\(refused.errors)")
                #expect(refused.output == "")

                var other = place.arguments(world, ["--once"], Self.agent)
                other[2] = "other"
                #expect(try await world.stacksctl(other).status == 0)
                let look = try await world.stacksctl(place.arguments(world, ["--once", "--dry-run"], Self.agent))
                #expect(look.status == 0, "a dry run starts nothing: \(look.errors)")
                try place.write("go")
                first.signal(SIGTERM)
                #expect(try await first.outcome().exitStatus == 0)
            }
        }
    }

    @Test("a state directory that is not there, and a stack's key that is no name for a file, are mistakes")
    func mistakes() async throws {
        try await withPlace { place in
            for (stack, directory) in [("k", "/nowhere"), ("../k", place.root)] {
                let run = try await ToolRun.stacksctl(
                    ["run", "--stack", stack, "--queue", "-", "--state-directory", directory, "--", "true"],
                    environment: ["BUILDKITE_AGENT_TOKEN": "bkct_t", "BUILDKITE_AGENT_ENDPOINT": "http://127.0.0.1:9"])
                #expect(run.status == 64, "\(run.errors)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.root) == ["logs"])
        }
    }
}
