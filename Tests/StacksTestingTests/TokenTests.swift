import StacksTesting
import Testing

@Suite("Job acquisition tokens")
struct TokenTests {
    @Test("tokens are issued for jobs that this stack has reserved, and the others are listed")
    func issues() throws {
        let scenario = try Scenario.registered()
        try scenario.register("t")
        let jobs = scenario.simulator.addJobs(3)
        try scenario.reserve([jobs[0]])
        try scenario.reserve([jobs[1]], stack: "t")
        let response = try scenario.tokens(jobs + [unknownUUID], lifetime: 60)
        #expect(response.status == 201)
        #expect(response.json["not_issued"] == .strings([jobs[1], jobs[2], unknownUUID]))
        let issued = response.json["job_acquisition_tokens"].elements
        #expect(issued.count == 1)
        #expect(issued.first?["job_uuid"] == .string(jobs[0]))
        #expect(issued.first?["expires_at"] == "2026-01-01T00:01:00.000Z")
        #expect(issued.first?["job_acquisition_token"].text?.hasPrefix("bkjat_") == true)
    }

    @Test("a second request issues another token, and both are valid until one has acquired the job")
    func another() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let first = try scenario.reserveWithToken(job)
        let second = try scenario.reserveWithToken(job)
        #expect(first != second)
        #expect(try scenario.agent("acquire", job, token: first).status == 200)
        #expect(try scenario.agent("start", job, token: second).status == 401)
        #expect(try scenario.agent("start", job, token: first).status == 200)
    }

    @Test("a lifetime outside 1…3600 is refused", arguments: [(0, 422), (3601, 422), (1, 201), (3600, 201)])
    func lifetimes(lifetime: Int, status: Int) throws {
        let scenario = try Scenario.registered()
        #expect(try scenario.tokens(scenario.simulator.addJobs(1), lifetime: lifetime).status == status)
    }

    @Test("a token is valid until it expires", arguments: [(59_999, 200), (60_000, 401)])
    func expiry(milliseconds: Int, status: Int) throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        try scenario.reserve([job])
        let response = try scenario.tokens([job], lifetime: 60)
        let token = try #require(response.json["job_acquisition_tokens"][0]["job_acquisition_token"].text)
        scenario.clock.advance(by: .milliseconds(milliseconds))
        #expect(try scenario.agent("acquire", job, token: token).status == status)
    }

    @Test("a token is revoked with its reservation, also when the job is reserved again")
    func diesWithReservation() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        try scenario.reserve([job], expiry: 10)
        let response = try scenario.tokens([job], lifetime: 3600)
        let token = try #require(response.json["job_acquisition_tokens"][0]["job_acquisition_token"].text)
        scenario.clock.advance(by: .seconds(10))
        #expect(try scenario.agent("acquire", job, token: token).status == 401)
        try scenario.reserve([job])
        #expect(try scenario.agent("acquire", job, token: token).status == 401)
    }

    @Test("an extended reservation keeps its tokens")
    func survivesExtension() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let token = try scenario.reserveWithToken(job)
        try scenario.reserve([job])
        #expect(try scenario.agent("acquire", job, token: token).status == 200)
    }
}
