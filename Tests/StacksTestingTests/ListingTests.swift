import Foundation
import HTTPTypes
import StacksTesting
import Testing

@Suite("Listing scheduled jobs")
struct ListingTests {
    @Test("a job has every documented member, and values may be null")
    func members() throws {
        let scenario = try Scenario.registered()
        var template = SimulatedJob.Template()
        template.priority = -3
        template.agentQueryRules = ["os=linux"]
        template.pipelineSlug = nil
        let id = scenario.simulator.addJobs(template: template)[0]
        let page = try scenario.list().json
        #expect(page.names == ["jobs", "page_info", "cluster_queue"])
        let job = page["jobs"][0]
        #expect(job["id"] == .string(id))
        #expect(job["priority"] == -3)
        #expect(job["agent_query_rules"] == ["queue=default", "os=linux"])
        #expect(job["scheduled_at"] == "2026-01-01T00:00:00.000Z")
        #expect(job["runnable_at"] == "2026-01-01T00:00:00.000Z")
        #expect(job["pipeline"].names == ["slug", "uuid"])
        #expect(job["pipeline"]["slug"] == nil)
        #expect(job["build"].names == ["uuid", "number", "branch"])
        #expect(job["build"]["branch"] == "main")
        #expect(job["step"] == ["key": nil])
    }

    @Test("a job lists every value that it is given, and null where that is given")
    func given() throws {
        let scenario = try Scenario.registered()
        var template = SimulatedJob.Template()
        template.scheduledAt = .given(Date(timeIntervalSince1970: 1_700_000_000.5))
        template.runnableAt = .given(Date(timeIntervalSince1970: 1_700_000_001))
        template.pipelineSlug = "deploy"
        template.pipelineUUID = "01989c5e-0000-7000-8000-000000000001"
        template.buildUUID = "01989c5e-0000-7000-8000-000000000002"
        template.buildNumber = 42
        template.branch = "feature"
        template.stepKey = "test"
        var empty = SimulatedJob.Template()
        (empty.scheduledAt, empty.runnableAt, empty.pipelineSlug, empty.pipelineUUID) = (nil, nil, nil, nil)
        (empty.buildUUID, empty.buildNumber, empty.branch) = (nil, nil, nil)
        let earlier = scenario.simulator.addJobs(1)
        let given = scenario.simulator.addJobs([template, empty])
        let jobs = try scenario.list().json["jobs"]
        // Where a job is in the list follows from when it was scheduled.
        #expect(jobs.elements.map { $0["id"] } == [.string(given[0]), .string(earlier[0]), .string(given[1])])
        #expect(
            jobs[0] == [
                "id": .string(given[0]), "priority": 0, "agent_query_rules": ["queue=default"],
                "scheduled_at": "2023-11-14T22:13:20.500Z", "runnable_at": "2023-11-14T22:13:21.000Z",
                "pipeline": ["slug": "deploy", "uuid": "01989c5e-0000-7000-8000-000000000001"],
                "build": ["uuid": "01989c5e-0000-7000-8000-000000000002", "number": 42, "branch": "feature"],
                "step": ["key": "test"],
            ])
        #expect(
            jobs[2] == [
                "id": .string(given[1]), "priority": 0, "agent_query_rules": ["queue=default"], "scheduled_at": nil,
                "runnable_at": nil, "pipeline": ["slug": nil, "uuid": nil],
                "build": ["uuid": nil, "number": nil, "branch": nil], "step": ["key": nil],
            ])
        let listing = try #require(scenario.simulator.job(given[0])?.listing)
        #expect(listing.buildNumber == 42 && listing.branch == "feature" && listing.stepKey == "test")
        #expect(scenario.simulator.job(given[1])?.listing.scheduledAt == nil)
    }

    @Test("pages list jobs oldest first, and the last page has no next page")
    func pages() throws {
        let scenario = try Scenario.registered()
        // A cursor has their time, which is negative.
        var expected = scenario.simulator.addJobs(3, scheduledAt: Date(timeIntervalSince1970: -1e9))
        for _ in 0..<5 {
            expected += scenario.simulator.addJobs(1)
            scenario.clock.advance(by: .milliseconds(7))
        }
        let first = try scenario.list("&limit=2").json
        #expect(first["page_info"]["has_next_page"] == true)
        var seen = first["jobs"].elements.compactMap { $0["id"].text }
        var cursor = first["page_info"]["end_cursor"].text
        while let after = cursor, seen.count < 12 {
            let page = try scenario.list("&limit=2&after=\(after)").json
            seen += page["jobs"].elements.compactMap { $0["id"].text }
            cursor = page["page_info"]["has_next_page"] == true ? page["page_info"]["end_cursor"].text : nil
        }
        #expect(seen == expected)
    }

    @Test("an empty page has a null cursor")
    func emptyPage() throws {
        let page = try Scenario.registered().list().json
        #expect(page["jobs"] == [])
        #expect(page["page_info"] == ["has_next_page": false, "end_cursor": nil])
    }

    @Test("jobs can appear before the cursor: older jobs, and jobs with an expired reservation")
    func behindTheCursor() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(3)
        try scenario.reserve([jobs[0]], expiry: 1)
        let page = try scenario.list("&limit=2").json
        #expect(page["jobs"].elements.compactMap { $0["id"].text } == [jobs[1], jobs[2]])
        let cursor = try #require(page["page_info"]["end_cursor"].text)
        scenario.clock.advance(by: .seconds(2))
        let older = scenario.simulator.addJobs(1, scheduledAt: scenario.clock.date.addingTimeInterval(-60))
        #expect(try scenario.listed("&after=\(cursor)") == [])
        #expect(try scenario.listed() == older + jobs)
    }

    @Test("jobs in other states are not listed", arguments: ["reserved", "running", "canceled", "hibernating"])
    func otherStates(state: String) throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(2)
        scenario.simulator.move(jobs[0], to: .init(rawValue: state))
        #expect(try scenario.listed() == [jobs[1]])
        scenario.simulator.move(jobs[0], to: .scheduled)
        #expect(try scenario.listed() == jobs)
    }

    @Test("a queue lists its own jobs and says whether its dispatch is paused")
    func queues() throws {
        let scenario = try Scenario.registered()
        scenario.simulator.addJobs(1)
        let other = scenario.simulator.addJobs(1, queue: "mac")
        scenario.simulator.setPaused(true, queue: "mac")
        let page = try scenario.send(.get, "stacks/s/scheduled-jobs?queue_key=mac").json
        #expect(page["jobs"].elements.compactMap { $0["id"].text } == other)
        #expect(page["cluster_queue"]["dispatch_paused"] == true)
        #expect(try scenario.list().json["cluster_queue"]["dispatch_paused"] == false)
    }

    @Test("a large queue stays correct while jobs are reserved from its head")
    func tidying() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(500)
        try scenario.reserve(Array(jobs[..<300]), expiry: 5)
        #expect(try scenario.listed() == Array(jobs[300...]))
        #expect(try scenario.listed() == Array(jobs[300...]))
        scenario.clock.advance(by: .seconds(5))
        #expect(try scenario.listed() == jobs)
    }

    @Test("with a listing delay, new jobs appear later and reserved jobs disappear later")
    func listingDelay() throws {
        let scenario = try Scenario.registered { $0.listingDelay = .seconds(2) }
        let job = scenario.simulator.addJobs(1)
        #expect(try scenario.listed() == [])
        scenario.clock.advance(by: .seconds(2))
        #expect(try scenario.listed() == job)
        #expect(try scenario.reserve(job).json["reserved"] == .strings(job))
        #expect(try scenario.listed() == job)
        scenario.clock.advance(by: .seconds(1))
        #expect(try scenario.listed() == job)
        scenario.clock.advance(by: .seconds(1))
        #expect(try scenario.listed() == [])
    }

    @Test(
        "invalid query parameters are refused",
        arguments: [
            ("", 400), ("queue_key=", 400), ("queue_key=nowhere", 404), ("queue_key=_default&limit=0", 422),
            ("queue_key=_default&limit=1001", 422), ("queue_key=_default&limit=ten", 400),
            ("queue_key=_default&after=nonsense", 400), ("queue_key=%zz", 400), ("queue_key=_default&limit=1000", 200),
        ])
    func refusals(query: String, status: Int) throws {
        #expect(try Scenario.registered().send(.get, "stacks/s/scheduled-jobs?\(query)").status == status)
    }
}
