import Foundation
import TestServers
import Testing

/// What there can be very many of has a limit, or is listed in parts.
@Suite("Limits of the control side", .timeLimit(.minutes(5)))
struct SimulatorLimitTests {
    private func list(_ curl: Curl, _ path: String) async throws -> [[String: Any]] {
        let answer = try await curl.control("GET", path)
        #expect(answer.status == 200, "\(answer)")
        return try #require(try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [[String: Any]])
    }

    @Test("jobs that are still to arrive, and the message has the numbers")
    func arrivals() async throws {
        try await CurlWire.plaintext.run(["--clock", "manual"]) { curl in
            let many = #"{"rate": 100, "count": 400000}"#
            for _ in 1...2 { #expect(try await curl.control("POST", "arrivals", many).status == 201) }
            let refused = try await curl.control("POST", "arrivals", many)
            #expect(refused.status == 409, "\(refused)")
            for text in ["400000", "800000", "1000000"] { #expect(refused.message.contains(text), "\(refused)") }
            #expect(try await curl.control("GET", "arrivals").json["pending"] as? Int == 800_000)
            #expect(try await curl.control("POST", "arrivals", #"{"rate": 1, "count": 200000}"#).status == 201)
            #expect(try await curl.control("POST", "reset").status == 204)
            #expect(try await curl.control("POST", "arrivals", many).status == 201)
        }
    }

    @Test("the size of jobs that are added at once, or arrive")
    func size() async throws {
        try await CurlWire.plaintext.run { curl in
            let rule = String(repeating: "x", count: 60_000)
            let kind = #""agent_query_rules": ["a=\#(rule)"]"#
            for (path, body) in [
                ("jobs", #"{"count": 20000, \#(kind)}"#),
                ("arrivals", #"{"count": 20000, "rate": 1, "jobs": [{}, {\#(kind)}]}"#),
            ] {
                let refused = try await curl.control("POST", path, body)
                #expect(refused.status == 400, "\(refused)")
                for text in ["count", "20000", "1073741824"] { #expect(refused.message.contains(text), "\(refused)") }
            }
            #expect(try await curl.control("POST", "jobs", #"{"count": 3, \#(kind)}"#).status == 201)
            #expect(try await curl.control("GET", "report").json["scheduled"] as? Int == 3)
            #expect(try await curl.control("GET", "arrivals").json["pending"] as? Int == 0)
        }
    }

    @Test("the logs of jobs that are played are of their size")
    func playedSize() async throws {
        try await CurlWire.plaintext.run(["--play-jobs", "launched"]) { curl in
            let text = String(repeating: "x", count: 50_000)
            let kind = #""script": {"log": "\#(text)", "output": [{"text": "\#(text)"}]}"#
            for (path, body) in [
                ("jobs", #"{"count": 11000, \#(kind)}"#),
                ("arrivals", #"{"count": 11000, "rate": 1, "jobs": [{\#(kind)}]}"#),
            ] {
                let refused = try await curl.control("POST", path, body)
                #expect(refused.status == 400, "\(refused)")
                for text in ["11000", "100", "logs", "1073741824"] {
                    #expect(refused.message.contains(text), "\(refused)")
                }
            }
            #expect(try await curl.control("POST", "jobs", #"{"count": 2, \#(kind)}"#).status == 201)
        }
        let script = #"{"log": "\#(String(repeating: "x", count: 2000))"}"#
        let options = ["--jobs", "1000000", "--play-jobs", "launched", "--job-script", script]
        let child = try ChildProcess(BuiltProducts.executable(named: "stacks-simulator"), options, input: [])
        let outcome = try await child.outcome()
        #expect(outcome.exitStatus == 64 && outcome.errorText.contains("in their logs"), "\(outcome)")
    }

    @Test("the queues of an organization")
    func queues() async throws {
        let options = (1...1000).flatMap { ["--queue", "queue-\($0)"] }
        try await CurlWire.plaintext.run(options + ["--organization", "globex"]) { curl in
            let refused = try await curl.control("POST", "queues", #"{"key": "one-more"}"#)
            #expect(refused.status == 409, "\(refused)")
            for text in ["one-more", "1000"] { #expect(refused.message.contains(text), "\(refused)") }
            // One that is there needs no room.
            #expect(try await curl.control("POST", "queues", #"{"key": "queue-7"}"#).status == 204)
            #expect(try await list(curl, "queues").count == 1000)
            let part = try await list(curl, "queues?skip=998&limit=3")
            let names = part.map { "\($0["organization"] ?? "")/\($0["key"] ?? "")" }
            #expect(names == ["acme/queue-999", "acme/queue-1000", "globex/queue-1"])
            // What is known is told once, though both organizations have it, and not all of it.
            let unknown = try await curl.control("GET", "jobs?queue=none")
            #expect(unknown.status == 400 && unknown.message.hasSuffix("queue-50 and 952 more."), "\(unknown)")
            #expect(unknown.message.count { $0 == "," } == 50)
            let paused = try await curl.control("POST", "queues/none/pause")
            #expect(paused.status == 404 && paused.message.hasSuffix("queue-50 and 950 more."), "\(paused)")
        }
    }

    @Test("faults, and they can be asked for by their organization")
    func faults() async throws {
        try await CurlWire.plaintext.run(["--organization", "globex"]) { curl in
            for slug in ["acme", "globex"] {
                let fault = #"{"kind": "html", "organization": "\#(slug)"}"#
                #expect(try await curl.control("POST", "faults", fault).status == 204)
            }
            let body = #"{"kind": "drop", "operation": "get-job"}"#
            let json = ["-H", "Content-Type: application/json", "--data-binary", body]
            // Many requests of one program: what follows # is not sent.
            let last = try await curl.plain("POST", "\(curl.simulator.ready.control)/faults#[3-1000]", json)
            #expect(last.status == 204)
            let refused = try await curl.control("POST", "faults", body)
            #expect(refused.status == 409 && refused.message.contains("1000"), "\(refused)")
            func numbers(_ query: String) async throws -> [Int] {
                try await list(curl, "faults?\(query)").compactMap { $0["number"] as? Int }
            }
            #expect(try await numbers("organization=acme&limit=3") == [1, 3, 4])
            #expect(try await numbers("organization=globex&limit=3") == [2, 3, 4])
            #expect(try await numbers("skip=999") == [1000])
            #expect(try await curl.control("GET", "faults?organization=umbrella").message.contains("globex"))
        }
    }

    @Test("stacks and agents are listed in parts")
    func parts() async throws {
        try await CurlWire.plaintext.run(["--jobs", "3", "--play-jobs", "reserved"]) { curl in
            for key in ["a", "b", "c"] {
                let stack = #"{"key": "\#(key)", "type": "custom", "queue_key": "_default", "metadata": {}}"#
                #expect(try await curl("POST", "stacks/register", stack).status == 201)
            }
            let jobs = try await curl.control("GET", "jobs").objects("jobs").compactMap { $0["id"] as? String }
            let body = #"{"job_uuids": ["\#(jobs.joined(separator: #"", ""#))"]}"#
            #expect(try await curl("PUT", "stacks/a/scheduled-jobs/batch-reserve", body).status == 200)
            func part(_ path: String, _ name: String) async throws -> [String] {
                try await list(curl, path).compactMap { $0[name] as? String }
            }
            #expect(try await part("stacks", "key") == ["a", "b", "c"])
            #expect(try await part("stacks?skip=1&limit=1", "key") == ["b"])
            #expect(try await part("agents?skip=1", "job") == Array(jobs[1...]))
            #expect(try await part("agents?limit=1", "job") == [jobs[0]])
            #expect(try await part("agents?organization=acme&skip=1&limit=1", "job") == [jobs[1]])
            #expect(try await part("stacks?organization=acme&skip=2", "key") == ["c"])
            #expect(try await part("agents?skip=9223372036854775807", "job").isEmpty)
            #expect(try await part("organizations?limit=1", "slug") == ["acme"])
            #expect(try await curl.control("GET", "agents?limit=10001").message.contains("10000"))
        }
    }
}
