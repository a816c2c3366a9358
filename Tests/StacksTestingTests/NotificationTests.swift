import HTTPTypes
import StacksTesting
import Testing

@Suite("Notifications")
struct NotificationTests {
    private func notify(_ scenario: Scenario, _ notifications: [JSON]) throws -> Scenario.Response {
        try scenario.send(.post, "stacks/s/notifications", ["notifications": .array(notifications)])
    }

    private func note(_ job: String, _ detail: String, at timestamp: String? = nil) -> JSON {
        var members: [String: JSON] = ["job_uuid": .string(job), "detail": .string(detail)]
        if let timestamp { members["timestamp"] = .string(timestamp) }
        return .object(members)
    }

    @Test("valid notifications are created, the others are listed by index")
    func partial() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let response = try notify(
            scenario,
            [
                note(job, "one"), note(unknownUUID, "x"), note(job, ""), note(job, "two"), note(unknownUUID, "y"),
                note("x", "z"),
            ])
        #expect(response.status == 200)
        #expect(scenario.simulator.job(job)?.notifications == ["one", "two"])
        let errors = response.json["errors"].elements
        #expect(errors.map { $0["indexes"] } == [[1, 4], [2], [5]])
        #expect(errors.allSatisfy { $0["error"].text?.isEmpty == false })
    }

    @Test("without errors the list is empty")
    func allCreated() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        #expect(try notify(scenario, [note(job, "x")]).json == ["errors": []])
    }

    @Test("a detail has 1 to 256 characters, whatever their bytes", arguments: [(256, true), (257, false), (0, false)])
    func details(count: Int, isCreated: Bool) throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let response = try notify(scenario, [note(job, String(repeating: "é", count: count))])
        #expect(response.json["errors"].elements.isEmpty == isCreated)
    }

    @Test(
        "a timestamp is ISO 8601, not in the future and not before the job",
        arguments: [
            ("2026-01-01T00:00:00Z", true), ("2026-01-01T00:00:30.250Z", true), ("2026-01-01T01:00:30+01:00", true),
            ("2026-01-01T00:01:00.000Z", true), ("2026-01-01T00:01:00.001Z", false), ("2025-12-31T23:59:59Z", false),
            ("yesterday", false),
        ])
    func timestamps(timestamp: String, isCreated: Bool) throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        scenario.clock.advance(by: .seconds(60))
        let response = try notify(scenario, [note(job, "x", at: timestamp)])
        #expect(response.json["errors"].elements.isEmpty == isCreated)
    }

    @Test("a job has at most 100 notifications")
    func perJob() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(2)
        _ = try notify(scenario, (0..<99).map { note(jobs[0], "\($0)") })
        let response = try notify(scenario, [note(jobs[0], "a"), note(jobs[0], "b"), note(jobs[1], "c")])
        #expect(response.json["errors"].elements.map { $0["indexes"] } == [[1]])
        #expect(scenario.simulator.job(jobs[0])?.notifications.count == 100)
        #expect(scenario.simulator.job(jobs[1])?.notifications == ["c"])
    }

    @Test("a request has 1 to 1000 notifications", arguments: [(0, 400), (1000, 200), (1001, 422)])
    func perRequest(count: Int, status: Int) throws {
        let scenario = try Scenario.registered()
        #expect(try notify(scenario, (0..<count).map { _ in note(unknownUUID, "x") }).status == status)
    }
}
