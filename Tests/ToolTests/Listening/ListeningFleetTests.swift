import Foundation
import TestServers
import Testing

/// `stacksctl run --config` with several stacks and `listen`: each is shown under its name, whatever becomes of the others.
@Suite("The status server of several stacks", .timeLimit(.minutes(5)))
struct ListeningFleetTests {
    private static let keys = ["one", "two", "three"]

    /// The configuration of these stacks, whose queues have their names. The agent of the third waits at the gate.
    private static func file(_ keys: [String], _ gate: Gate) throws -> String {
        let agent = Checkout.demoAgent.path
        let held = String(
            decoding: try JSONSerialization.data(withJSONObject: ["bash", "-c", gate.agent, agent]), as: UTF8.self)
        return
            (["slots: 2", "listen: 127.0.0.1:0", "poll-interval: 0.2", "stacks:"]
            + keys.map { "- {key: \($0), queue: \($0), command: \($0 == "three" ? held : "['\(agent)']")}" })
            .joined(separator: "\n") + "\n"
    }

    private static func stacks(_ status: [String: Any]) -> [String: [String: Any]] {
        let stacks = status["stacks"] as? [[String: Any]] ?? []
        return Dictionary(stacks.map { ($0["key"] as? String ?? "", $0) }) { _, newer in newer }
    }

    private static func finished(_ stack: [String: Any]?) -> Int? {
        (stack?["totals"] as? [String: Any])?["finished"] as? Int
    }

    @Test(
        "each is there under its name, one that has ended is shown as such, and one that was removed only while it drains"
    )
    func fleet() async throws {
        let queues = Self.keys.flatMap { ["--queue", $0] }
        try await SimulatedWorld.run(queues) { world in
            try await withGate { gate in
                let directory = FileManager.default.temporaryDirectory.appending(path: "fleet-\(UUID())")
                try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
                defer { try? FileManager.default.removeItem(at: directory) }
                let file = directory.appending(path: "stacks.yaml")
                try Data(Self.file(Self.keys, gate).utf8).write(to: file)
                let tool = try ToolRun.start(
                    ["run", "--config", file.path, "--output", "json"], environment: world.environment)
                defer { tool.kill() }
                let run = ListeningRun(tool: tool, world: world, port: try await ListeningRun.port(of: tool))

                // All are well, and counted apart.
                let ready = try await run.get("/readyz") { $0.status == 200 }
                for key in Self.keys { #expect(ready.body.contains("\(key): nothing is scheduled"), "\(ready.body)") }
                _ = try await world.addJobs(2, ["queue": "one"])
                _ = try await world.addJobs(1, ["queue": "two"])
                let status = try await run.status { status in
                    let stacks = Self.stacks(status)
                    return Self.finished(stacks["one"]) == 2 && Self.finished(stacks["two"]) == 1
                }
                #expect((status["stacks"] as? [[String: Any]])?.map { $0["key"] as? String } == Self.keys)
                #expect(status["slots"] as? Int == 2)
                try await run.get("/metrics") { answer in
                    answer.body.contains(#"stacks_controller_jobs_total{stack="one",outcome="finished"} 2"#)
                        && answer.body.contains(#"stacks_controller_jobs_total{stack="two",outcome="finished"} 1"#)
                        && answer.body.contains(#"stacks_controller_slots{stack="three"} "#)
                }
                if Browser.path != nil {
                    let page = try await run.page(once: "document.querySelector('#stacks article') !== null")
                    for key in Self.keys { #expect(page.contains("<bdi>\(key)</bdi>"), "\(key)") }
                }

                // The next poll gets a 401, whichever stack's it is. That one ends.
                try await world.control(
                    "faults", method: "POST",
                    body: [
                        "kind": "refuse", "operation": "list-scheduled-jobs", "status": 401, "message": "Not any more",
                    ])
                let after = Self.stacks(
                    try await run.status { status in
                        Self.stacks(status).values.contains { $0["phase"] as? String == "ended" }
                    })
                let ended = try #require(after.first { $0.value["phase"] as? String == "ended" }?.key)
                let unready = try await run.get("/readyz") { $0.status == 503 }
                #expect(unready.body == "\(ended): the controller is ended\n")
                #expect(try await run.get("/livez").status == 200)
                #expect(Self.finished(after["one"]) == 2 && Self.finished(after["two"]) == 1 && after.count == 3)
                try await run.get("/metrics") { answer in
                    answer.body.contains(#"stacks_controller_jobs_total{stack="one",outcome="finished"} 2"#)
                        && answer.body.contains(#"stacks_controller_jobs_total{stack="two",outcome="finished"} 1"#)
                }

                // It begins again, and the third drains once it is no longer in the file.
                tool.signal(SIGHUP)
                try await run.get("/readyz") { $0.status == 200 }
                _ = try await world.addJobs(1, ["queue": "three"])
                try await gate.waitUntilStarted()
                try Data(Self.file(["one", "two"], gate).utf8).write(to: file)
                tool.signal(SIGHUP)
                let draining = Self.stacks(
                    try await run.status { Self.stacks($0)["three"]?["phase"] as? String == "draining" })
                #expect(draining["three"]?["in_flight"] as? Int == 1)
                let others = try await run.get("/readyz")
                #expect(others.status == 200 && !others.body.contains("three"), "\(others.body)")
                try gate.open()
                try await run.status { Self.stacks($0)["three"] == nil }

                tool.signal(SIGTERM)
                let outcome = ToolRun(try await tool.outcome())
                #expect(outcome.status == 0, "\(outcome.errors)")
                let summary = try #require(try outcome.document()["stacks"] as? [[String: Any]])
                #expect(summary.map { $0["stack"] as? String } == Self.keys)
                #expect(summary.map { ($0["jobs"] as? [String: Int])?["finished"] } == [2, 1, 1])
            }
        }
    }
}
