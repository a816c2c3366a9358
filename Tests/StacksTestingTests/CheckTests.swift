import HTTPTypes
import StacksTesting
import Testing

@Suite("The checks of a simulator")
struct CheckTests {
    private func broken(_ scenario: Scenario) -> [SimulatorCheck.Rule: [String]] {
        let broken = scenario.simulator.checks.filter { !$0.holds }
        return Dictionary(uniqueKeysWithValues: broken.map { ($0.rule, $0.jobs) })
    }

    @Test("a run without mistakes breaks no rule")
    func good() throws {
        let scenario = try Scenario.registered { $0.enforcesRateLimits = true }
        #expect(scenario.simulator.checks.map(\.rule) == SimulatorCheck.Rule.allCases)
        let jobs = scenario.simulator.addJobs(3)
        try scenario.reserve(jobs)
        try scenario.reserve(jobs)
        let token = try #require(
            try scenario.tokens([jobs[0]]).json["job_acquisition_tokens"][0]["job_acquisition_token"].text)
        try scenario.agent("acquire", jobs[0], token: token)
        try scenario.agent("start", jobs[0], token: token)
        try scenario.agent("finish", jobs[0], token: token)
        try scenario.finish(jobs[1])
        // Given back.
        try scenario.reserve([jobs[2]], expiry: 1)
        scenario.clock.advance(by: .seconds(2))
        #expect(scenario.state(jobs[2]) == .scheduled)
        #expect(broken(scenario) == [:])
    }

    @Test("two agents for a job are a job launched twice")
    func twice() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(2)
        let token = try scenario.reserveWithToken(jobs[1])
        try scenario.agent("acquire", jobs[1], token: token)
        try scenario.agent("acquire", jobs[1], token: token)
        #expect(broken(scenario) == [.launchedOnce: [jobs[1]]])
    }

    @Test("a reservation that expires was not used, and the job is lost until a stack takes it up again")
    func expiry() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(2)
        try scenario.reserve(jobs)
        #expect(broken(scenario) == [:])
        scenario.clock.advance(by: .seconds(900))
        #expect(broken(scenario) == [.noneLost: jobs, .reservationsUsed: jobs])
        try scenario.reserve([jobs[0]])
        #expect(broken(scenario) == [.noneLost: [jobs[1]], .reservationsUsed: jobs])
        try scenario.finish(jobs[0])
        scenario.simulator.cancel(jobs[1])
        #expect(broken(scenario) == [.reservationsUsed: jobs])
    }

    @Test("a job is lost that a stack has reserved which is gone")
    func gone() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs()[0]
        try scenario.reserve([job])
        try scenario.send(.post, "stacks/s/deregister")
        #expect(broken(scenario) == [.noneLost: [job]])
    }

    @Test("calls above a limit are counted, refused or not", arguments: [true, false])
    func limits(isEnforced: Bool) throws {
        let scenario = try Scenario.registered { $0.enforcesRateLimits = isEnforced }
        for _ in 1...10 { _ = try scenario.list() }
        #expect(broken(scenario) == [:])
        for _ in 1...3 { #expect(try scenario.list().status == (isEnforced ? 429 : 200)) }
        let check = try #require(scenario.simulator.checks.first { $0.rule == .withinLimits })
        #expect(check.violations.map(\.explanation) == ["3 of list-scheduled-jobs above the limit"])
        scenario.clock.advance(by: .seconds(1))
        _ = try scenario.list()
        #expect(scenario.simulator.checks.first { $0.rule == .withinLimits } == check)
    }

    @Test("a token in a body, a path, another header field or a log is told, and not repeated")
    func tokens() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs()[0]
        let token = try scenario.reserveWithToken(job)
        try scenario.agent("acquire", job, token: token)
        try scenario.agent("start", job, token: token)
        #expect(broken(scenario) == [:])
        let note: JSON = ["notifications": [["job_uuid": .string(job), "detail": .string("with \(token)!")]]]
        try scenario.send(.post, "stacks/s/notifications", note)
        try scenario.send(.get, "token?key=\(scenario.simulator.token)")
        try scenario.send(.get, "token", headerFields: [.userAgent: "x \(token)"])
        let log = Array("export T=\(token)\n".utf8)
        try scenario.send(
            .post, "jobs/\(job)/chunks?sequence=1&offset=0&size=\(log.count)", bytes: log, token: token,
            headerFields: [.contentType: "text/plain"])
        let check = try #require(scenario.simulator.checks.first { $0.rule == .tokensInPlace })
        #expect(check.jobs == [job])
        #expect(check.violations.map(\.job) == [job, nil, job, job])
        for (violation, place) in zip(check.violations, ["the body", "the path", "a header field", "the log"]) {
            #expect(violation.explanation.contains(place), "\(violation)")
        }
        #expect(!"\(check)".contains(token) && !"\(check)".contains(scenario.simulator.token))
        // One of which a letter is encoded is the same token.
        let encoded = scenario.simulator.token.replacing("_", with: "%5F")
        try scenario.send(.get, "token?key=\(encoded)&other=%zz")
        let found = scenario.simulator.checks.first { $0.rule == .tokensInPlace }?.violations ?? []
        #expect(found.count == check.violations.count + 1 && found[3].explanation.contains("the path"), "\(found)")
        // What is encoded does not hide what is not, nor the other way round.
        let both = try Scenario.registered { $0.organizations[0].token = "bkct_of%41token" }
        try both.send(.get, "token/bkct_of%41token/%62kct_of%2541token")
        let inPath = both.simulator.checks.first { $0.rule == .tokensInPlace }?.violations ?? []
        #expect(inPath.count == 2, "\(inPath)")
        // Another job's tokens that begin in the same way are none of these.
        try scenario.send(.get, "token?key=bkjat_other")
        #expect(scenario.simulator.checks.first { $0.rule == .tokensInPlace }?.violations == found)
        for _ in 1...200 { try scenario.send(.get, "token?key=\(token)") }
        #expect(scenario.simulator.checks.first { $0.rule == .tokensInPlace }?.violations.count == 102)
    }

    @Test("what has come into a log since the last check is looked at, and what was found is told again")
    func grownLogs() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs()[0]
        let token = try scenario.reserveWithToken(job)
        try scenario.agent("acquire", job, token: token)
        try scenario.agent("start", job, token: token)
        func found() -> [String] {
            let check = scenario.simulator.checks.first { $0.rule == .tokensInPlace }
            return check?.violations.map { String($0.explanation.prefix(12)) } ?? []
        }
        var offset = 0
        // The second and third part hold a token between them.
        for (index, (part, expected)) in [
            ("begin ", []), ("T=\(token.prefix(20))", []), ("\(token.dropFirst(20))\n", ["a job acquis"]),
            ("end\n", ["a job acquis"]), (scenario.simulator.token, ["a job acquis", "an agent tok"]),
        ].enumerated() {
            let bytes = Array(part.utf8)
            try scenario.send(
                .post, "jobs/\(job)/chunks?sequence=\(index + 1)&offset=\(offset)&size=\(bytes.count)", bytes: bytes,
                token: token, headerFields: [.contentType: "text/plain"])
            offset += bytes.count
            #expect(found() == expected && found() == expected, "\(index)")
        }
    }

    /// A job whose log is written in parts, and a token to write them with.
    private func logging(_ scenario: Scenario) throws -> (token: String, write: (Int, Int, [UInt8]) throws -> Void) {
        let job = scenario.simulator.addJobs()[0]
        let token = try scenario.reserveWithToken(job)
        try scenario.agent("acquire", job, token: token)
        try scenario.agent("start", job, token: token)
        return (
            token,
            { sequence, offset, bytes in
                let response = try scenario.send(
                    .post, "jobs/\(job)/chunks?sequence=\(sequence)&offset=\(offset)&size=\(bytes.count)",
                    bytes: bytes, token: token, headerFields: [.contentType: "text/plain"])
                #expect(response.status == 201, "\(response)")
            }
        )
    }

    @Test("of a log that grows, each check looks through what is new, and hardly more")
    func eachByteOnce() throws {
        let scenario = try Scenario.registered()
        let (_, write) = try logging(scenario)
        for number in 0..<100 {
            try write(number + 1, number * 1000, [UInt8](repeating: UInt8(ascii: "x"), count: 1000))
            #expect(broken(scenario) == [:])
        }
        // As long as a token before each part.
        #expect((100_000...105_000).contains(scenario.simulator.searchedLogBytes))
        _ = scenario.simulator.checks
        #expect(scenario.simulator.searchedLogBytes <= 105_000)
    }

    @Test(
        "a token is found in whatever parts and order it comes, with a check after each or one at the end",
        arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]], [true, false])
    func splitToken(order: [Int], isCheckedEachTime: Bool) throws {
        let scenario = try Scenario.registered()
        let (token, write) = try logging(scenario)
        let bytes = Array("T=\(token)!".utf8)
        let parts = [bytes[..<10], bytes[10..<11], bytes[11...]]
        for part in order {
            if isCheckedEachTime { #expect(broken(scenario) == [:]) }
            // Not each number has a part.
            try write(10 * part, parts[part].startIndex, Array(parts[part]))
        }
        #expect(broken(scenario).keys.contains(.tokensInPlace))
    }
}
