import Foundation
import HTTPTypes
import StacksTesting
import Testing

@Suite("Several organizations")
struct OrganizationTests {
    /// Two organizations whose queues and stacks have the same keys, with a job each.
    private struct Pair {
        let scenario: Scenario
        let tokens: [String: String]
        let jobs: [String: String]

        init(_ configure: (inout StacksSimulator.Configuration) -> Void = { _ in }) throws {
            let slugs = ["acme", "globex"]
            scenario = Scenario { configuration in
                configuration.organizations = slugs.map { .init(slug: $0, queues: ["mac"], token: "bkct_of_\($0)") }
                configure(&configuration)
            }
            var jobs: [String: String] = [:]
            for slug in slugs {
                try scenario.register("s", token: "bkct_of_\(slug)")
                jobs[slug] = scenario.simulator.addJobs(1, queue: "mac", organization: slug)[0]
            }
            self.jobs = jobs
            tokens = ["acme": "bkct_of_acme", "globex": "bkct_of_globex"]
        }

        var acme: String { jobs["acme"] ?? "" }
        var globex: String { jobs["globex"] ?? "" }

        func send(
            _ slug: String, _ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil
        ) throws -> Scenario.Response {
            try scenario.send(method, path, body, token: tokens[slug])
        }

        /// The acquisition token of an organization's job, which its stack has reserved.
        func launch(_ slug: String) throws -> String {
            let body: JSON = ["job_uuids": .strings([jobs[slug] ?? ""])]
            _ = try send(slug, .put, "stacks/s/scheduled-jobs/batch-reserve", body)
            let issued = try send(slug, .post, "stacks/s/job-acquisition-tokens", body)
            return try #require(issued.json["job_acquisition_tokens"][0]["job_acquisition_token"].text)
        }
    }

    @Test("a stack sees its organization's jobs alone, in a queue of the same key")
    func listing() throws {
        let pair = try Pair()
        for slug in ["acme", "globex"] {
            let listed = try pair.send(slug, .get, "stacks/s/scheduled-jobs?queue_key=mac").json["jobs"].elements
            #expect(listed.map { $0["id"].text } == [pair.jobs[slug]])
            #expect(try pair.send(slug, .get, "token").json["organization_slug"] == .string(slug))
        }
    }

    @Test("another organization's jobs are not there for a stack, whatever it asks")
    func foreignJobs() throws {
        let pair = try Pair()
        let body: JSON = ["job_uuids": .strings([pair.globex])]
        let reserved = try pair.send("acme", .put, "stacks/s/scheduled-jobs/batch-reserve", body)
        #expect(reserved.json == ["reserved": [], "not_reserved": .strings([pair.globex])])
        #expect(try pair.send("acme", .get, "stacks/s/jobs/\(pair.globex)").status == 404)
        #expect(try pair.send("acme", .post, "stacks/s/jobs/get-states", body).json == ["states": [:]])
        _ = try pair.launch("globex")
        let tokens = try pair.send("acme", .post, "stacks/s/job-acquisition-tokens", body)
        #expect(tokens.json == ["job_acquisition_tokens": [], "not_issued": .strings([pair.globex])])
        let end: JSON = ["exit_status": 1, "detail": "x"]
        #expect(try pair.send("acme", .post, "stacks/s/jobs/\(pair.globex)/finish", end).status == 404)
        let note: JSON = ["notifications": [["job_uuid": .string(pair.globex), "detail": "x"]]]
        let notified = try pair.send("acme", .post, "stacks/s/notifications", note)
        #expect(notified.json["errors"][0]["indexes"] == [0])
        #expect(pair.scenario.state(pair.globex) == .reserved)
        #expect(pair.scenario.simulator.job(pair.globex)?.notifications == [])
    }

    @Test("another organization's stacks and queues are not there, and its token is none of the other's")
    func foreignStacks() throws {
        let pair = try Pair()
        pair.scenario.simulator.addQueue("linux", organization: "globex")
        try pair.scenario.register("t", token: pair.tokens["globex"])
        #expect(try pair.send("acme", .get, "stacks/t/scheduled-jobs?queue_key=mac").status == 404)
        #expect(try pair.send("acme", .post, "stacks/t/deregister").status == 404)
        #expect(try pair.send("acme", .get, "stacks/s/scheduled-jobs?queue_key=linux").status == 404)
        #expect(try pair.scenario.register("u", queue: "linux", token: pair.tokens["acme"]).status == 404)
        #expect(try pair.scenario.send(.get, "token", token: "bkct_of_initech").status == 401)
        // To deregister one's own leaves the other's.
        #expect(try pair.send("acme", .post, "stacks/s/deregister").status == 204)
        #expect(try pair.send("globex", .get, "stacks/s/scheduled-jobs?queue_key=mac").status == 200)
        let stacks = pair.scenario.simulator.stacks
        #expect(
            stacks.map { "\($0.organization)/\($0.key) \($0.isRegistered)" } == [
                "acme/s false", "globex/s true", "globex/t true",
            ])
    }

    @Test("limits and outages are of one organization")
    func apart() throws {
        let pair = try Pair { $0.enforcesRateLimits = true }
        let listing = "stacks/s/scheduled-jobs?queue_key=mac"
        for _ in 0..<10 { #expect(try pair.send("acme", .get, listing).status == 200) }
        #expect(try pair.send("acme", .get, listing).status == 429)
        #expect(try pair.send("globex", .get, listing).status == 200)
        pair.scenario.simulator.setUnavailable(true, organization: "globex")
        #expect(try pair.send("globex", .get, "token").status == 503)
        #expect(try pair.send("acme", .get, "token").status == 200)
        #expect(pair.scenario.simulator.organizations.map(\.isUnavailable) == [false, true])
    }

    @Test("a job of another organization is not there for a job's token and for an agent's, one of the same is refused")
    func agents() throws {
        let pair = try Pair()
        let other = pair.scenario.simulator.addJobs(1, queue: "mac", organization: "acme")[0]
        let (acme, globex) = (try pair.launch("acme"), try pair.launch("globex"))
        func ask(_ job: String, _ token: String) throws -> [Int] {
            let get = try pair.scenario.send(.get, "jobs/\(job)", token: token)
            let acquire = try pair.scenario.send(.put, "jobs/\(job)/acquire", token: token)
            return [get.status, acquire.status]
        }
        #expect(try ask(pair.globex, acme) == [404, 404])
        #expect(try ask(other, acme) == [401, 401])
        // An agent token is none of theirs either, and tells nothing of what there is.
        #expect(try ask(pair.globex, "bkct_of_acme") == [401, 401])
        #expect(try ask(unknownUUID, "bkct_of_acme") == [401, 401])

        let agent = try pair.scenario.send(.post, "register", AgentScenario.registration, token: acme)
        let access = try #require(agent.json["access_token"].text)
        #expect(try ask(pair.globex, access) == [404, 404])
        #expect(try ask(other, access) == [401, 401])
        #expect(try pair.scenario.send(.put, "jobs/\(pair.acme)/acquire", token: access).status == 200)
        #expect(try pair.scenario.send(.put, "jobs/\(pair.globex)/acquire", token: globex).status == 200)
        #expect(pair.scenario.simulator.agents.map(\.organization) == ["acme"])
    }

    @Test("builds of the same UUID share no data between organizations")
    func builds() throws {
        let pair = try Pair()
        var template = SimulatedJob.Template()
        template.buildUUID = .given(unknownUUID)
        var access: [String] = []
        for slug in ["acme", "globex"] {
            let job = pair.scenario.simulator.addJobs(queue: "mac", organization: slug, template: template)[0]
            let body: JSON = ["job_uuids": .strings([job])]
            _ = try pair.send(slug, .put, "stacks/s/scheduled-jobs/batch-reserve", body)
            let issued = try pair.send(slug, .post, "stacks/s/job-acquisition-tokens", body)
            let token = issued.json["job_acquisition_tokens"][0]["job_acquisition_token"].text
            let agent = try pair.scenario.send(.post, "register", AgentScenario.registration, token: token)
            access.append(try #require(agent.json["access_token"].text))
            try pair.scenario.send(.put, "jobs/\(job)/acquire", token: access.last)
            try pair.scenario.send(.put, "jobs/\(job)/start", token: access.last)
            let item: JSON = ["key": "owner", "value": .string(slug)]
            try pair.scenario.send(.post, "jobs/\(job)/data/set", item, token: access.last)
        }
        let values = try access.map { token in
            try pair.scenario.send(.post, "builds/\(unknownUUID)/data/get", ["key": "owner"], token: token).json[
                "value"]
        }
        #expect(values == ["acme", "globex"])
    }

    @Test("an organization has several tokens, of which the first one may expire")
    func tokens() throws {
        let pair = try Pair { configuration in
            configuration.organizations[0].moreTokens = ["bkct_next", "bkct_of_globex"]
            configuration.organizations[0].tokenExpiresAt = Date(timeIntervalSince1970: 1_767_225_610)
        }
        let first = try pair.send("acme", .get, "token").json
        let next = try pair.scenario.send(.get, "token", token: "bkct_next").json
        #expect(next["organization_slug"] == "acme" && next["uuid"] != first["uuid"])
        #expect(next["cluster_uuid"] == first["cluster_uuid"])
        pair.scenario.clock.advance(by: .seconds(10))
        #expect(try pair.send("acme", .get, "token").status == 401)
        let path = "stacks/s/scheduled-jobs?queue_key=mac"
        #expect(try pair.scenario.send(.get, path, token: "bkct_next").json["jobs"].elements.count == 1)
        // Of two that claim a token, the first one has it.
        #expect(try pair.send("globex", .get, "token").json["organization_slug"] == "acme")
        pair.scenario.simulator.reset(seed: 9)
        #expect(try pair.scenario.send(.get, "token", token: "bkct_next").status == 200)
    }

    @Test("the journal says whose request each was, and can be asked for one organization's")
    func journal() throws {
        let pair = try Pair()
        let token = try pair.launch("globex")
        try pair.scenario.send(.post, "register", AgentScenario.registration, token: token)
        try pair.scenario.send(.get, "token", token: "bkct_of_initech")
        var filter = SimulatedRequest.Filter()
        filter.organization = "globex"
        #expect(
            pair.scenario.simulator.requests(filter).map(\.operation) == [
                .registerStack, .reserveJobs, .issueJobAcquisitionTokens, .agentRegister,
            ])
        #expect(pair.scenario.simulator.requests().map(\.organization).suffix(1) == [nil])
        filter.organization = "acme"
        #expect(pair.scenario.simulator.requests(filter).count == 1)
    }

    @Test("reports and checks are of all, or of one organization")
    func reports() throws {
        let pair = try Pair()
        let simulator = pair.scenario.simulator
        simulator.addJobs(2, organization: "acme")
        simulator.addJobs(1, organization: "globex")
        simulator.addFault(SimulatorFault(.html()))
        _ = try pair.send("globex", .get, "token?x=bkct_of_globex")
        _ = try pair.send("globex", .get, "token")
        _ = try pair.send("acme", .get, "token")
        _ = try pair.scenario.send(.get, "token", token: "bkct_of_nobody")
        let (all, acme) = (simulator.report, try #require(simulator.report(organization: "acme")))
        let globex = try #require(simulator.report(organization: "globex"))
        #expect((all.added, acme.added, globex.added) == (5, 3, 2))
        #expect((acme.requests[.tokenIdentity], globex.requests[.tokenIdentity]) == (1, 2))
        #expect(all.requests[.tokenIdentity] == 4 && all.faults == 1 && globex.faults == 1 && acme.faults == 0)
        #expect(globex.responsesByStatus[502] == 1 && acme.responsesByStatus[502] == nil)
        #expect(simulator.report(organization: "initech") == nil && simulator.checks(organization: "x") == nil)
        func broken(_ checks: [SimulatorCheck]?) -> [SimulatorCheck.Rule] {
            (checks ?? []).filter { !$0.holds }.map(\.rule)
        }
        #expect(broken(simulator.checks) == [.tokensInPlace])
        #expect(broken(simulator.checks(organization: "globex")) == [.tokensInPlace])
        #expect(broken(simulator.checks(organization: "acme")) == [])
    }

    @Test("every organization's tokens are looked for where none may be")
    func misplaced() throws {
        let pair = try Pair { $0.organizations[0].moreTokens = ["secret-of-acme"] }
        for token in ["bkct_of_globex", "secret-of-acme"] {
            _ = try pair.send("acme", .get, "token?x=\(token)")
        }
        let check = try #require(pair.scenario.simulator.checks.first { $0.rule == .tokensInPlace })
        #expect(check.violations.count == 2)
        #expect(!"\(pair.scenario.simulator.requests())".contains("secret-of-acme"))
    }
}
