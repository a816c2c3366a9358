import HTTPTypes
import StacksTesting
import Testing

@Suite("Rate limits")
struct RateLimitTests {
    private func limited(
        _ configure: (inout StacksSimulator.Configuration) -> Void = { _ in }
    ) throws -> Scenario {
        try Scenario.registered {
            $0.enforcesRateLimits = true
            configure(&$0)
        }
    }

    @Test("every response has the four fields, errors too")
    func headers() throws {
        let scenario = try limited()
        let responses = [
            try scenario.list(), try scenario.register("t"), try scenario.send(.get, "token"),
            try scenario.send(.get, "nowhere"), try scenario.send(.get, "token", token: "wrong"),
            try scenario.send(.post, "stacks/s/deregister"), try scenario.send(.get, "stacks/x/jobs/x"),
        ]
        for response in responses {
            #expect(response[header: "RateLimit-Scope"] != nil)
            #expect(response[header: "RateLimit-Limit"].flatMap { Int($0) } != nil)
            #expect(response[header: "RateLimit-Remaining"].flatMap { Int($0) } != nil)
            #expect(response[header: "RateLimit-Reset"].flatMap { Int($0) } != nil)
        }
    }

    @Test("the eleventh listing within a second gets a 429 with the documented body")
    func tooMany() throws {
        let scenario = try limited()
        for remaining in (0..<10).reversed() {
            let response = try scenario.list()
            #expect(response.status == 200)
            #expect(response[header: "RateLimit-Remaining"] == "\(remaining)")
        }
        let response = try scenario.list()
        #expect(response.status == 429)
        #expect(response.json.names == ["message", "scope", "limit", "current", "reset"])
        #expect(response.json["scope"] == "list-scheduled-jobs")
        #expect(response.json["limit"] == 10)
        #expect(response.json["current"] == 10)
        #expect(response.json["reset"] == 1)
        #expect(response[header: "Retry-After"] == "1")
        #expect(response[header: "RateLimit-Remaining"] == "0")
        #expect(scenario.simulator.report.rateLimited == [.listScheduledJobs: 1])
    }

    @Test("the window slides: each request leaves it a second later, and refused requests do not count")
    func sliding() throws {
        let scenario = try limited { $0.rateLimits["list-scheduled-jobs"] = 2 }
        #expect(try scenario.list().status == 200)
        scenario.clock.advance(by: .milliseconds(600))
        #expect(try scenario.list().status == 200)
        scenario.clock.advance(by: .milliseconds(399))
        #expect(try scenario.list().status == 429)
        scenario.clock.advance(by: .milliseconds(1))
        #expect(try scenario.list().status == 200)
        #expect(try scenario.list().status == 429)
        scenario.clock.advance(by: .milliseconds(600))
        #expect(try scenario.list().status == 200)
    }

    @Test("each stack and each scope has a window of its own")
    func separate() throws {
        let scenario = try limited { $0.rateLimits = ["default": 1] }
        try scenario.register("t")
        #expect(try scenario.list().status == 200)
        #expect(try scenario.list().status == 429)
        #expect(try scenario.list(stack: "t").status == 200)
        #expect(try scenario.reserve([unknownUUID]).status == 200)
    }

    @Test("each operation has its documented scope and limit")
    func scopes() throws {
        let scenario = try limited()
        let job = scenario.simulator.addJobs(1)[0]
        let body: JSON = ["job_uuids": .strings([job])]
        let responses: [(Scenario.Response, String, String)] = [
            (try scenario.list(), "list-scheduled-jobs", "10"), (try scenario.reserve([job]), "batch-reserve", "10"),
            (try scenario.send(.get, "stacks/s/jobs/\(job)"), "show-job", "1000"),
            (try scenario.send(.post, "stacks/s/jobs/get-states", body), "batch-load-job-states", "20"),
            (try scenario.finish(job), "finish-job", "100"),
            (try scenario.send(.post, "stacks/s/notifications", body), "stack-notification", "200"),
            (try scenario.send(.post, "stacks/s/deregister"), "default", "10"),
        ]
        for (response, scope, limit) in responses {
            #expect(response[header: "RateLimit-Scope"] == scope)
            #expect(response[header: "RateLimit-Limit"] == limit)
        }
    }

    @Test("registering is not limited")
    func registering() throws {
        let scenario = try limited()
        for _ in 0..<30 { #expect(try scenario.register("s").status == 200) }
    }

    @Test("without enforcement, no request is refused and the full limit remains")
    func off() throws {
        let scenario = try limited()
        scenario.simulator.setEnforcesRateLimits(false)
        for _ in 0..<30 { #expect(try scenario.list().status == 200) }
        #expect(try scenario.list()[header: "RateLimit-Remaining"] == "10")
    }

    @Test("Retry-After can be left out")
    func withoutRetryAfter() throws {
        let scenario = try limited {
            $0.rateLimits["list-scheduled-jobs"] = 0
            $0.sendsRetryAfter = false
        }
        let response = try scenario.list()
        #expect(response.status == 429)
        #expect(response[header: "Retry-After"] == nil)
    }
}
