import Foundation
import TestServers
import Testing

/// The walk through the API that people otherwise do with curl and jq, one command a step, from registering a stack to
/// de-registering it, over every way to reach the server.
@Suite("Walk through the API", .timeLimit(.minutes(5)))
struct WalkThroughTests {
    @Test("a job goes from scheduled to finished, one command a step", arguments: Wire.allCases)
    func walk(wire: Wire) async throws {
        try await SimulatedWorld.run(over: wire) { world in
            let environment = ["env": ["DEPLOY_KEY": "do-not-show"], "command": "make test"] as [String: Any]
            let jobs = try await world.addJobs(2, environment)
            let (job, other) = (jobs[0], jobs[1])

            // Register, and a second stack beside it.
            let stack = try await world.json(
                "register", "--key", "mac-fleet", "--queue", "default", "--metadata", "version=1.4"
            )
            #expect(stack["key"] as? String == "mac-fleet")
            #expect(stack["state"] as? String == "connected")
            #expect(stack["metadata"] as? [String: String] == ["version": "1.4"])
            try await world.register("rival")

            // The oldest job.
            let page = try await world.json("list", "--stack", "mac-fleet", "--queue", "default", "--limit", "1")
            let listed = try #require(page["jobs"] as? [[String: Any]])
            #expect(listed.map { $0["id"] as? String } == [job])
            #expect((page["page_info"] as? [String: Any])?["has_next_page"] as? Bool == true)

            // Look at it, without exposing what its environment holds.
            let shown = try await world.stacksctl("get", "--stack", "mac-fleet", job)
            #expect(shown.output.contains("make test") && shown.output.contains("DEPLOY_KEY"))
            #expect(!shown.output.contains("do-not-show"))

            // Tell the people who wait, then reserve it; a second stack comes too late.
            #expect(
                try await world.table("notify", "--stack", "mac-fleet", job, "VM 17 is booting") == ["Notified \(job)."]
            )
            let reservation = try await world.json("reserve", "--stack", "mac-fleet", "--expiry", "600", job)
            #expect(reservation["reserved"] as? [String] == [job])
            let refused = try await world.json("reserve", "--stack", "rival", job)
            #expect(refused["reserved"] as? [String] == [])
            #expect(refused["not_reserved"] as? [String] == [job])

            let before = try await world.json("states", "--stack", "mac-fleet", job, other)
            #expect(before["states"] as? [String: String] == [job: "reserved", other: "scheduled"])

            // Its token, and an agent that runs with nothing else.
            let tokens = try await world.json("tokens", "--stack", "mac-fleet", "--lifetime", "300", job)
            let issued = try #require((tokens["job_acquisition_tokens"] as? [[String: Any]])?.first)
            #expect(issued["job_uuid"] as? String == job)
            let token = try #require(issued["job_acquisition_token"] as? String)
            #expect(token.hasPrefix("bkjat_"))
            try await runAgent(in: world, job: job, token: token)

            // The other one gets no agent.
            let finished = try await world.table(
                "finish", "--stack", "mac-fleet", other, "--detail", "no capacity left", "--exit-status", "-1"
            )
            #expect(finished == ["Finished \(other) with exit status -1."])

            let after = try await world.json("states", "--stack", "mac-fleet", job, other, "--headers")
            #expect(after["states"] as? [String: String] == [job: "finished", other: "finished"])
            let headers = try #require(after["headers"] as? [String: String])
            #expect(headers["ratelimit-scope"] == "batch-load-job-states")
            #expect(headers["ratelimit-limit"] == "20")
            #expect(headers["ratelimit-remaining"] != nil && headers["ratelimit-reset"] != nil)

            #expect(try await world.table("deregister", "--key", "mac-fleet") == ["Deregistered mac-fleet."])

            let report = try await world.control("report")
            let versions = try #require(report["http_versions"] as? [String: Int])
            #expect(versions[wire.httpVersion] ?? 0 >= 12, "\(versions)")
            #expect(report["finished"] as? Int == 2)
        }
    }

    private func runAgent(in world: SimulatedWorld, job: String, token: String) async throws {
        var environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "",
            "BUILDKITE_AGENT_ENDPOINT": world.simulator.ready.url,
            "BUILDKITE_AGENT_TOKEN": token,
            "BUILDKITE_AGENT_ACQUIRE_JOB": job,
        ]
        environment["CURL_CA_BUNDLE"] = world.simulator.ready.caFile
        let agent = try ChildProcess(Checkout.demoAgent, [], environment: environment, input: [])
        let outcome = try await agent.outcome()
        #expect(outcome.exitStatus == 0, "\(outcome.errorText)")
    }
}

/// The files of this checkout that are no Swift.
enum Checkout {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let demoAgent = root.appendingPathComponent("Scripts/demo-agent")
}
