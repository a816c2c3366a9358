import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("Requirements for requests")
struct RequestTests {
    @Test(
        "a missing, malformed or wrong credential gets a 401",
        arguments: ["", "Token ", "Bearer abc", "Token wrong", "wrong"])
    func credentials(value: String) throws {
        let scenario = try Scenario.registered()
        let response = try scenario.send(.get, "token", headerFields: [.authorization: value])
        #expect(response.status == 401)
        #expect(!response.message.isEmpty)
        #expect(response[header: "Content-Type"]?.hasPrefix("application/json") == true)
    }

    @Test("an expired agent token gets a 401, and an unclustered one works only for its identity")
    func tokenKinds() throws {
        let expiring = Scenario { $0.organizations[0].tokenExpiresAt = Date(timeIntervalSince1970: 1_767_225_610) }
        #expect(try expiring.send(.get, "token").status == 200)
        expiring.clock.advance(by: .seconds(10))
        #expect(try expiring.send(.get, "token").status == 401)

        let unclustered = Scenario { $0.organizations[0].isClustered = false }
        #expect(try unclustered.register("s").status == 401)
        #expect(try unclustered.send(.get, "token").json["cluster_uuid"] == "")
    }

    @Test("the token's identity has every documented member")
    func identity() throws {
        let response = try Scenario().send(.get, "token")
        #expect(
            response.json.names == [
                "uuid", "description", "token_type", "organization_slug", "organization_uuid", "cluster_uuid",
                "cluster_name", "organization_queue_uuid", "organization_queue_key",
            ])
        #expect(response.json["organization_slug"] == "acme")
    }

    @Test("an unavailable organization gets a 503")
    func unavailable() throws {
        let scenario = try Scenario.registered()
        scenario.simulator.setUnavailable(true)
        #expect(try scenario.list().status == 503)
        scenario.simulator.setUnavailable(false)
        #expect(try scenario.list().status == 200)
    }

    @Test(
        "unknown routes get a 404: other methods, other paths, unencoded dots",
        arguments: [
            ("GET", "stacks/register"), ("POST", "token"), ("GET", "stacks/s"), ("POST", "stacks/s/scheduled-jobs"),
            ("GET", "stacks/s.json/scheduled-jobs?queue_key=_default"), ("GET", "stacks//scheduled-jobs"), ("GET", ""),
            ("PUT", "jobs/\(unknownUUID)/explode"), ("POST", "stacks/s/deregister/"),
        ])
    func noRoute(method: String, path: String) throws {
        let scenario = try Scenario.registered()
        #expect(try scenario.send(#require(HTTPRequest.Method(method)), path).status == 404)
    }

    @Test("an unregistered stack gets a 404 for every operation of a stack")
    func unknownStack() throws {
        let scenario = Scenario()
        let calls: [(HTTPRequest.Method, String)] = [
            (.post, "deregister"), (.get, "scheduled-jobs?queue_key=_default"), (.put, "scheduled-jobs/batch-reserve"),
            (.get, "jobs/\(unknownUUID)"), (.post, "jobs/get-states"), (.post, "job-acquisition-tokens"),
            (.post, "jobs/\(unknownUUID)/finish"), (.post, "notifications"),
        ]
        for (method, path) in calls {
            let response = try scenario.send(method, "stacks/none/\(path)", method == .get ? nil : ["job_uuids": []])
            #expect(response.status == 404)
            #expect(response.message.contains("stack"))
        }
    }

    @Test("segments are percent-decoded, and invalid encodings get a 400")
    func encoding() throws {
        let scenario = try Scenario.registered()
        #expect(try scenario.send(.get, "stacks/%73/scheduled-jobs?queue_key=%5Fdefault").status == 200)
        #expect(try scenario.send(.get, "stacks/a%2Eb/scheduled-jobs?queue_key=_default").status == 404)
        #expect(try scenario.send(.get, "stacks/%7/scheduled-jobs").status == 400)
        #expect(try scenario.send(.get, "stacks/%FF/scheduled-jobs").status == 400)
        // A combining mark, which makes one character of two, hides no delimiter.
        #expect(try scenario.send(.get, "token?\u{301}").status == 200)
        #expect(try scenario.send(.get, "stacks/s/scheduled-jobs?queue_key=_default&\u{301}=1").status == 200)
    }

    @Test(
        "a body is application/json, whatever its parameters",
        arguments: [
            ("application/json; charset=utf-8", 200), ("APPLICATION/JSON", 200), ("text/plain", 400), ("", 400),
            ("application/x-www-form-urlencoded", 400),
        ])
    func contentType(type: String, status: Int) throws {
        let scenario = try Scenario.registered()
        let response = try scenario.send(
            .post, "stacks/s/jobs/get-states", ["job_uuids": .strings([unknownUUID])],
            headerFields: [.contentType: type])
        #expect(response.status == status)
    }

    @Test("operations without a body reject one")
    func noBody() throws {
        let scenario = try Scenario.registered()
        #expect(try scenario.send(.post, "stacks/s/deregister", [:]).status == 400)
        #expect(try scenario.send(.post, "stacks/s/deregister", raw: "").status == 204)
    }

    @Test("the base path is the configured one")
    func basePath() throws {
        let simulator = StacksSimulator(
            configuration: {
                var configuration = StacksSimulator.Configuration()
                configuration.basePath = "/deep/prefix/v3"
                return configuration
            }())
        func status(_ path: String) throws -> Int {
            try simulator.respond(
                to: TransportRequest(
                    method: .get, origin: "", path: path,
                    headerFields: [.authorization: "Token \(simulator.token)"])
            ).status.code
        }
        #expect(try status("/deep/prefix/v3/token") == 200)
        #expect(try status("/v3/token") == 404)
        #expect(try status("/deep/prefix/v3token") == 404)
    }

    @Test("organizations do not see each other's stacks, jobs and queues")
    func organizations() throws {
        let scenario = Scenario { $0.organizations = [.init(slug: "a"), .init(slug: "b", queues: ["only-b"])] }
        let other = try #require(scenario.simulator.token(organization: "b"))
        #expect(other != scenario.simulator.token)
        try scenario.register("s")
        #expect(try scenario.register("s", queue: "only-b").status == 404)
        #expect(try scenario.register("s", token: other).status == 201)
        let jobs = scenario.simulator.addJobs(1, organization: "b")
        #expect(try scenario.listed() == [])
        #expect(try scenario.reserve(jobs).json["not_reserved"] == .strings(jobs))
        #expect(try scenario.send(.get, "stacks/s/jobs/\(jobs[0])").status == 404)
        #expect(try scenario.send(.get, "stacks/s/jobs/\(jobs[0])", token: other).status == 200)
    }
}
