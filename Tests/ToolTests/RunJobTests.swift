import Foundation
import TestServers
import Testing

/// What `stacksctl run` gives its commands to know of their jobs.
@Suite("Run, and what a command knows of its job", .timeLimit(.minutes(5)))
struct RunJobTests {
    private static let hostile = "$(touch hostile)\n`touch hostile`"

    private static var job: [String: Any] {
        [
            "priority": 3, "agent_query_rules": ["os=linux", "image-name=$(touch hostile)"],
            "scheduled_at": "2026-01-01T08:30:00.250Z", "runnable_at": NSNull(),
            "pipeline": ["slug": "deploy", "uuid": "01989c5e-0000-7000-8000-000000000001"],
            "build": ["uuid": NSNull(), "number": 42, "branch": hostile] as [String: Any], "step": ["key": "test"],
            "env": ["SECRET": "hunter2"], "command": "make release",
        ]
    }

    /// Runs every job of the simulator with a script that writes down what it knows, in a directory that it starts in.
    private func run(_ world: SimulatedWorld, _ options: [String], in directory: URL) async throws -> ToolRun {
        let script = """
            cd '\(directory.path)'; env | grep ^STACKS_JOB_ >variables; cp "$STACKS_JOB_FILE" file
            printf %s "$STACKS_JOB_FILE" >path; exec '\(Checkout.demoAgent.path)'
            """
        return try await world.stacksctl(
            ["run", "--stack", "mac-fleet", "--queue", "default", "--once", "--tag", "os=*", "--tag", "image-name=*"]
                + options + ["--output", "json", "--", "sh", "-c", script])
    }

    private func withDirectory(_ body: (URL) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "run-job-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory)
    }

    private func text(_ name: String, in directory: URL) throws -> String {
        try String(contentsOf: directory.appending(path: name), encoding: .utf8)
    }

    private func json(_ name: String, in directory: URL) throws -> NSDictionary {
        let value = try JSONSerialization.jsonObject(with: Data(contentsOf: directory.appending(path: name)))
        return try #require(value as? NSDictionary)
    }

    @Test("variables and a file tell what was listed; what the job runs is not asked for")
    func listed() async throws {
        try await SimulatedWorld.run { world in
            let id = try await world.addJobs(1, Self.job)[0]
            try await world.register()
            let list = try await world.json("list", "--stack", "mac-fleet", "--queue", "default")
            let listed = try #require((list["jobs"] as? [NSDictionary])?.first)
            try await withDirectory { directory in
                let run = try await run(world, [], in: directory)
                #expect(run.status == 0, "\(run.errors)")
                #expect(try json("file", in: directory) == listed)
                let path = try text("path", in: directory)
                #expect(!FileManager.default.fileExists(atPath: path))
                #expect(
                    try text("variables", in: directory).split(separator: "\n").sorted() == [
                        "STACKS_JOB_BUILD=42", "STACKS_JOB_FILE=\(path)", "STACKS_JOB_ID=\(id)",
                        "STACKS_JOB_PIPELINE=deploy", "STACKS_JOB_PRIORITY=3", "STACKS_JOB_QUEUE=default",
                        "STACKS_JOB_RULES=queue=default", "STACKS_JOB_RULE_IMAGE_NAME=$(touch hostile)",
                        "STACKS_JOB_RULE_OS=linux", "STACKS_JOB_RULE_QUEUE=default",
                        "STACKS_JOB_SCHEDULED_AT=2026-01-01T08:30:00.250Z", "STACKS_JOB_STACK=mac-fleet",
                        "STACKS_JOB_STEP=test",
                    ])
                #expect(!FileManager.default.fileExists(atPath: directory.appending(path: "hostile").path))
            }
            let requests = try await world.control("report")["requests"] as? [String: Int]
            #expect(requests?["get-job"] == nil)
        }
    }

    @Test("--job-file details adds the command and the environment, with one request for a job")
    func details() async throws {
        try await SimulatedWorld.run { world in
            let id = try await world.addJobs(1, Self.job)[0]
            try await withDirectory { directory in
                let run = try await run(world, ["--job-file", "details"], in: directory)
                #expect(run.status == 0, "\(run.errors)")
                let file = try json("file", in: directory)
                #expect(file["id"] as? String == id && file["command"] as? String == "make release")
                #expect(file["env"] as? [String: String] == ["SECRET": "hunter2"])
                #expect((file["build"] as? [String: Any])?["branch"] as? String == Self.hostile)
                #expect(!run.errors.contains("hunter2") && !run.output.contains("hunter2"))
            }
            let requests = try await world.control("report")["requests"] as? [String: Int]
            #expect(requests?["get-job"] == 1)
        }
    }

    @Test("details that cannot be read for now give the job back instead of failing it")
    func detailsForNow() async throws {
        try await SimulatedWorld.run { world in
            let id = try await world.addJobs(1, Self.job)[0]
            try await world.control(
                "faults", method: "POST",
                body: ["kind": "html", "operation": "get-job", "status": 502, "count": 1])
            try await withDirectory { directory in
                let run = try await run(world, ["--job-file", "details", "--no-retry"], in: directory)
                #expect(run.errors.contains("command and environment cannot be read"), "\(run.errors)")
                let jobs = try #require(try run.document()["jobs"] as? [String: Int])
                #expect(jobs["failed"] == 0 && jobs["released"] == 1, "\(jobs)")
            }
            #expect(try await world.control("jobs/\(id)")["state"] as? String != "failed")
        }
    }

    @Test(
        "several values of one tag match any of them, and '*' matches any",
        arguments: [(["os=linux", "os=macos"], 2), (["os=linux"], 1), (["os=*"], 3)] as [([String], Int)])
    func severalTags(tags: [String], count: Int) async throws {
        try await SimulatedWorld.run { world in
            for os in ["linux", "macos", "windows"] {
                _ = try await world.addJobs(1, ["agent_query_rules": ["os=\(os)"]])
            }
            let run = try await world.stacksctl(
                ["run", "--stack", "runner", "--queue", "default", "--once", "--output", "json"]
                    + tags.flatMap { ["--tag", $0] } + ["--", Checkout.demoAgent.path])
            #expect(run.status == 0, "\(run.errors)")
            #expect((try run.document()["jobs"] as? [String: Int])?["finished"] == count)
        }
    }

    @Test("content that there is none of is a mistake")
    func mistake() async throws {
        let run = try await ToolRun.stacksctl(
            ["run", "--stack", "k", "--queue", "-", "--job-file", "all", "--", "true"],
            environment: ["BUILDKITE_AGENT_TOKEN": "t"])
        #expect(run.status == 64 && run.errors.contains("--job-file"), "\(run.errors)")
    }
}
