import Foundation
import TestServers
import Testing

@Suite("Several organizations of the simulator by curl", .timeLimit(.minutes(5)))
struct SimulatorOrganizationTests {
    private static let options = [
        "--token", "bkct_first", "--organization", "globex=bkct_other", "--organization", "initech", "--organization",
        "acme=bkct_second", "--queue", "mac",
    ]
    private static let stack = #"{"key": "s", "type": "custom", "queue_key": "mac", "metadata": {}}"#

    private func list(_ curl: Curl, _ path: String) async throws -> [[String: Any]] {
        let answer = try await curl.control("GET", path)
        return try #require(try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [[String: Any]])
    }

    @Test("each has its tokens, which the first line says")
    func tokens() async throws {
        try await CurlWire.plaintext.run(Self.options) { curl in
            func slug(_ token: String) async throws -> String? {
                try await curl("GET", "token", token: token).json["organization_slug"] as? String
            }
            #expect(curl.simulator.ready.token == "bkct_first")
            for token in ["bkct_first", "bkct_second"] { #expect(try await slug(token) == "acme") }
            #expect(try await slug("bkct_other") == "globex")
            let made = try #require(curl.simulator.ready.organizations?.first { $0.slug == "initech" }?.tokens)
            #expect(try await slug(made[0]) == "initech")
            #expect(curl.simulator.ready.organizations?.map(\.tokens.count) == [2, 1, 1])
            let organizations = try await list(curl, "organizations")
            #expect(organizations.compactMap { $0["slug"] as? String } == ["acme", "globex", "initech"])
        }
        // One that has no others says nothing of it.
        try await CurlWire.plaintext.run { #expect($0.simulator.ready.organizations == nil) }
    }

    @Test("the control side names them, and does what it does to one alone")
    func control() async throws {
        try await CurlWire.plaintext.run(Self.options) { curl in
            for token in ["bkct_first", "bkct_other"] {
                #expect(try await curl("POST", "stacks/register", Self.stack, token: token).status == 201)
            }
            let jobs = #"{"count": 2, "queue": "mac", "organization": "globex"}"#
            #expect(try await curl.control("POST", "jobs", jobs).status == 201)
            #expect(try await curl.control("POST", "jobs", "{}").status == 201)
            let listing = "stacks/s/scheduled-jobs?queue_key=mac"
            #expect(try await curl("GET", listing, token: "bkct_other").objects("jobs").count == 2)
            #expect(try await curl("GET", listing).objects("jobs").count == 1)

            func organizations(_ path: String) async throws -> [String] {
                let answer = try await curl.control("GET", path)
                let value = try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
                let documents = value as? [[String: Any]] ?? answer.objects("jobs") + answer.objects("requests")
                return documents.map { $0["organization"] as? String ?? "" }
            }
            #expect(try await organizations("jobs") == ["globex", "globex", "acme"])
            #expect(try await organizations("jobs?organization=acme&queue=mac") == ["acme"])
            #expect(try await organizations("stacks") == ["acme", "globex"])
            #expect(try await organizations("stacks?organization=globex") == ["globex"])
            #expect(try await organizations("requests?operation=register-stack") == ["acme", "globex"])
            #expect(try await organizations("requests?organization=globex") == ["globex", "globex"])

            let globex = #"{"organization": "globex"}"#
            #expect(try await curl.control("POST", "queues/mac/pause", globex).status == 204)
            #expect(
                try await curl.control("POST", "queues", #"{"key": "linux", "organization": "globex"}"#).status == 204)
            let queues = try await list(curl, "queues").map {
                "\($0["organization"] ?? "")/\($0["key"] ?? "")" + ($0["paused"] as? Bool == true ? " paused" : "")
            }
            #expect(queues == ["acme/mac", "globex/mac paused", "globex/linux", "initech/mac"])
            #expect(try await curl.control("POST", "organization/unavailable", globex).status == 204)
            #expect(try await curl("GET", "token", token: "bkct_other").status == 503)
            #expect(try await curl("GET", "token").status == 200)
            #expect(try await curl.control("POST", "organization/available", globex).status == 204)

            let report = try await curl.control("GET", "report?organization=globex")
            #expect(report.json["scheduled"] as? Int == 2 && report.object("requests")["token-identity"] as? Int == 1)
            #expect(try await curl.control("GET", "report").json["scheduled"] as? Int == 3)
            #expect(try await curl.control("GET", "checks?organization=globex").json["hold"] as? Bool == true)
            #expect(try await curl.control("GET", "checks?organization=none").status == 400)

            let fault = #"{"kind": "html", "organization": "globex", "count": 1000}"#
            #expect(try await curl.control("POST", "faults", fault).status == 204)
            #expect(try await curl("GET", "token").status == 200)
            #expect(try await curl("GET", "token", token: "bkct_other").status == 502)
            #expect(try await list(curl, "faults").first?["organization"] as? String == "globex")
        }
    }

    @Test("a queue of another organization is not one of this")
    func queues() async throws {
        try await CurlWire.plaintext.run(Self.options) { curl in
            #expect(
                try await curl.control("POST", "queues", #"{"key": "linux", "organization": "globex"}"#).status == 204)
            for (path, body, status) in [
                ("jobs", #"{"queue": "linux"}"#, 400), ("jobs", #"{"queue": "linux", "organization": "globex"}"#, 201),
                ("arrivals", #"{"rate": 1, "count": 1, "queue": "linux"}"#, 400), ("queues/linux/pause", "{}", 404),
                ("queues/linux/pause", #"{"organization": "globex"}"#, 204),
                ("jobs", #"{"organization": "umbrella"}"#, 400),
                ("queues/mac/pause", #"{"organisation": "acme"}"#, 400),
            ] {
                let answer = try await curl.control("POST", path, body)
                #expect(answer.status == status, "\(body): \(answer)")
                if status == 404 || body.hasPrefix(#"{"queue": "linux"}"#) {
                    #expect(answer.message.contains("linux") && answer.message.contains("mac"), "\(answer)")
                }
            }
            #expect(try await curl.control("GET", "jobs").objects("jobs").count == 1)
            #expect(try await curl.control("GET", "stacks?organization=umbrella").message.contains("globex"))
        }
    }

    @Test(
        "a wrong organization is a usage error that names it",
        arguments: [
            (["--organization", "Globex"], "small letters"), (["--organization", ""], "small letters"),
            (["--organization", "globex="], "empty"), (["--organization", "acme"], "acme"),
            (["--token", "a", "--organization", "globex=a"], "globex"),
            (["--organization", "x=a", "--organization", "y=a"], "y"),
        ])
    func usage(arguments: [String], named: String) async throws {
        let child = try ChildProcess(BuiltProducts.executable(named: "stacks-simulator"), arguments, input: [])
        let outcome = try await child.outcome()
        #expect(outcome.exitStatus == 64 && outcome.output.isEmpty)
        #expect(outcome.errorText.contains("organization") && outcome.errorText.contains(named), "\(outcome.errorText)")
    }
}
