import Foundation
import HTTPTypes
import StacksTesting
import Testing

@Suite("The journal of requests")
struct JournalTests {
    @Test("it says what was asked, by whom, when, and what was answered")
    func entries() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(2)
        scenario.clock.advance(by: .seconds(5))
        let token = try scenario.reserveWithToken(jobs[0])
        try scenario.agent("acquire", jobs[0], token: token)
        try scenario.send(.get, "nothing/here")
        try scenario.finish(jobs[0])
        let requests = scenario.simulator.requests()
        #expect(requests.map(\.number) == [1, 2, 3, 4, 5, 6])
        #expect(
            requests.map(\.operation) == [
                .registerStack, .reserveJobs, .issueJobAcquisitionTokens, .agentAcquire, nil, .finishJob,
            ])
        #expect(requests.map(\.status) == [201, 200, 201, 200, 404, 422])
        #expect(requests.map(\.stack) == [nil, "s", "s", nil, nil, "s"])
        #expect(requests.map(\.organization) == Array(repeating: "acme", count: 6))
        #expect(requests.map(\.jobs) == [[], [jobs[0]], [jobs[0]], [jobs[0]], [], [jobs[0]]])
        #expect(requests[1].date == scenario.clock.date && requests[0].date == scenario.clock.date - 5)
        #expect(requests[3].method == "PUT" && requests[3].path == "/v3/jobs/\(jobs[0])/acquire")
        #expect(requests[4].message?.contains("nothing/here") == true && requests[0].message == nil)
        #expect(scenario.simulator.droppedRequests == 0)
    }

    @Test("a registered agent is named, and so is the job of a token that is refused")
    func agents() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs()[0]
        let token = try scenario.reserveWithToken(job)
        let registered = try scenario.send(.post, "register", ["name": "a"], token: token)
        let access = try #require(registered.json["access_token"].text)
        try scenario.send(.post, "connect", token: access)
        try scenario.send(.get, "ping", token: access)
        var filter = SimulatedRequest.Filter()
        filter.agent = registered.json["id"].text?.uppercased()
        #expect(scenario.simulator.requests(filter).map(\.operation) == [.agentConnect, .agentPing])
        let last = try #require(scenario.simulator.requests().last)
        #expect(last.agent == registered.json["id"].text && last.jobs == [job] && last.operation == .agentPing)
    }

    @Test("a part of it can be asked for: by operation, stack, job, status, time and number")
    func filters() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(2)
        _ = try scenario.list()
        scenario.clock.advance(by: .seconds(60))
        let later = scenario.clock.date
        try scenario.reserve(jobs)
        try scenario.register("t")
        _ = try scenario.list(stack: "t")
        _ = try scenario.list(stack: "u")
        func numbers(_ change: (inout SimulatedRequest.Filter) -> Void) -> [Int] {
            var filter = SimulatedRequest.Filter()
            change(&filter)
            return scenario.simulator.requests(filter).map(\.number)
        }
        #expect(numbers { $0.operation = .listScheduledJobs } == [2, 5, 6])
        #expect(numbers { $0.stack = "t" } == [5])
        #expect(numbers { $0.job = jobs[1].uppercased() } == [3])
        #expect(numbers { $0.status = 404 } == [6])
        #expect(numbers { $0.since = later } == [3, 4, 5, 6])
        #expect(numbers { $0.after = 4 } == [5, 6])
        let listed = numbers {
            $0.operation = .listScheduledJobs
            $0.status = 200
        }
        #expect(listed == [2, 5])
    }

    @Test(
        "paths and messages are in it as they were, whatever their percent-encoding is",
        arguments: ["x/%zz", "x/%", "x/100%25/y", "x/%41", "x/%ff%fe/z", "x/ä%C3%A4"])
    func encoding(path: String) throws {
        let scenario = Scenario()
        let message = try scenario.send(.get, path).message
        let request = try #require(scenario.simulator.requests().last)
        #expect(request.path == "/v3/\(path)" && request.message == message && !message.isEmpty)
    }

    @Test("parts of it say whether there is more, and what was dropped")
    func parts() throws {
        let scenario = try Scenario.registered { $0.journalLimit = 5 }
        for _ in 1...9 { _ = try scenario.list() }
        func part(limit: Int, newest: Bool) -> ([Int], Bool, Int) {
            let (requests, hasMore, dropped) = scenario.simulator.requests(.init(), limit: limit, newest: newest)
            return (requests.map(\.number), hasMore, dropped)
        }
        #expect(part(limit: 2, newest: false) == ([6, 7], true, 5))
        #expect(part(limit: 2, newest: true) == ([9, 10], true, 5))
        #expect(part(limit: 5, newest: true) == ([6, 7, 8, 9, 10], false, 5))
        #expect(part(limit: 5, newest: false) == ([6, 7, 8, 9, 10], false, 5))
    }

    @Test("faults are told: their status, or that no response arrived")
    func faults() throws {
        let scenario = try Scenario.registered()
        scenario.simulator.addFault(SimulatorFault(.html(status: .badGateway)))
        scenario.simulator.addFault(SimulatorFault(.dropResponse))
        _ = try scenario.list()
        #expect(throws: (any Error).self) { try scenario.list() }
        #expect(scenario.simulator.requests().map(\.status) == [201, 502, nil])
        #expect(scenario.simulator.requests().map(\.hadFault) == [false, true, true])
    }

    @Test("the oldest requests are dropped, and it says how many")
    func bounds() throws {
        let scenario = try Scenario.registered { $0.journalLimit = 10 }
        for _ in 1...500 { _ = try scenario.list() }
        #expect(scenario.simulator.requests().map(\.number) == Array(492...501))
        #expect(scenario.simulator.droppedRequests == 491)
        // Requests that name very many jobs count for more.
        let jobs = scenario.simulator.addJobs(150)
        for _ in 1...10 { try scenario.reserve(jobs) }
        let kept = scenario.simulator.requests()
        #expect(kept.map(\.number) == [511] && scenario.simulator.droppedRequests == 510)
        scenario.simulator.reset()
        #expect(scenario.simulator.requests().isEmpty && scenario.simulator.droppedRequests == 0)
    }

    @Test("no token is in it, wherever a request has one", arguments: ["bkct_secret", "another-secret"])
    func tokens(agentToken: String) throws {
        let scenario = try Scenario.registered { $0.organizations = [.init(token: agentToken)] }
        let job = scenario.simulator.addJobs()[0]
        let jobToken = try scenario.reserveWithToken(job)
        let access = try #require(try scenario.send(.post, "register", [:], token: jobToken).json["access_token"].text)
        let secrets = [agentToken, jobToken, access, "bkjat_unknown"]
        for secret in secrets {
            try scenario.register(secret)
            try scenario.send(.get, "stacks/\(secret)/scheduled-jobs?queue_key=\(secret)")
            try scenario.send(.get, "x/\(secret)/y")
            let first = String(secret.utf8.first ?? 0, radix: 16)
            try scenario.send(.get, "x/%\(first)\(secret.dropFirst())/y")
            try scenario.send(.get, "x/%zz\(secret)%zz/%\(first)\(secret.dropFirst())%")
            try scenario.send(.get, "x/" + String(repeating: "b", count: 480) + secret)
            try scenario.send(.get, "jobs/\(secret)", token: secret)
            try scenario.send(.get, "jobs/\(job)", token: secret)
        }
        let journal = "\(scenario.simulator.requests())"
        for secret in secrets { #expect(!journal.contains(secret)) }
        #expect(journal.contains("/v3/x/[token]/y"))
    }
}
