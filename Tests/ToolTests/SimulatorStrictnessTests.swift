import Foundation
import TestServers
import Testing

/// What a script gets wrong is said, and never ignored.
@Suite("The strict control side", .timeLimit(.minutes(5)))
struct SimulatorStrictnessTests {
    @Test("a mistake is 400, and the message names the member, the value and what is known")
    func mistakes() async throws {
        try await CurlWire.plaintext.run(["--queue", "mac", "--jobs", "1"]) { curl in
            let mistakes: [(String, String, [String])] = [
                ("jobs", #"{"cuont": 2}"#, ["cuont", "2", "count"]),
                ("jobs", #"{"build": {"brunch": "x"}}"#, ["build.brunch", "\"x\"", "branch"]),
                ("jobs", #"{"queue": "windows"}"#, ["queue", "windows", "mac"]),
                ("jobs", #"{"organization": "globex"}"#, ["organization", "globex", "acme"]),
                ("jobs", #"{"state": "runing"}"#, ["state", "runing", "running", "allow_unknown_state", "1 to 100"]),
                ("jobs", #"{"count": 0}"#, ["count", "0", "1000000"]),
                ("jobs", #"{"count": "2"}"#, ["count", "\"2\"", "whole number"]),
                ("jobs", #"{"count": null}"#, ["count", "null"]),
                ("jobs", #"{"env": {"A": 1}}"#, ["env.A", "1", "text"]),
                ("jobs", #"{"agent_query_rules": ["a=b", 7]}"#, ["agent_query_rules.1", "7"]),
                ("jobs", #"{"scheduled_at": "soon"}"#, ["scheduled_at", "soon", "2026-01-31T08:30:00Z"]),
                ("jobs", #"[1]"#, ["a list", "object"]),
                ("jobs", #"{"count": 2"#, ["JSON"]),
                ("faults", #"{"kind": "earthquake"}"#, ["kind", "earthquake", "refuse"]),
                ("faults", #"{"kind": "refuse", "operation": "list"}"#, ["operation", "list", "list-scheduled-jobs"]),
                ("faults", #"{"kind": "delay", "delay_ms": -5}"#, ["delay_ms", "-5", "0"]),
                ("faults", #"{"kind": "refuse", "probability": 7}"#, ["probability", "7", "and 1"]),
                ("faults", #"{"kind": "drop", "probability": 0}"#, ["probability is 0", "between 1e-06 and 1"]),
                ("faults", #"{"kind": "drop", "stack": ""}"#, ["stack", "1 to 80"]),
                (
                    "faults", #"{"kind": "refuse", "headers": {"content-type": "text/plain"}}"#,
                    ["headers.content-type", "refuse", "respond"]
                ),
                (
                    "faults", #"{"kind": "malformed", "operation": "deregister-stack"}"#,
                    ["malformed", "deregister-stack", "no body"]
                ),
                (
                    "faults", #"{"kind": "drop", "operation": "agent-upload-artifact", "organization": "acme"}"#,
                    ["organization", "acme", "agent-upload-artifact", "no token"]
                ),
                (
                    "faults",
                    #"{"kind": "drop", "operation": "agent-upload-artifact", "job": "00000000-0000-4000-8000-000000000000"}"#,
                    ["job", "00000000-0000-4000-8000-000000000000", "agent-upload-artifact", "no token"]
                ),
                ("faults", #"{"kind": "refuse", "status": 99}"#, ["status", "99", "200"]),
                ("faults", #"{"kind": "refuse", "headers": {"a b": "c"}}"#, ["headers.a b", "header field"]),
                ("faults", #"{"kind": "refuse", "headers": {"a": "b\r\nc: d"}}"#, ["headers.a", "header field"]),
                ("faults", #"{"kind": "drop", "status": 500}"#, ["status", "drop", "refuse"]),
                ("faults", #"{"kind": "html", "side": "agent"}"#, ["side", "agent", "stacks"]),
                ("faults", #"{"kind": "html", "organization": "globex"}"#, ["organization", "globex", "acme"]),
                ("faults", "{}", ["kind", "missing", "refuse"]),
                ("faults", #"{"kind": "drop", "job": "7"}"#, ["job", "\"7\"", "UUID"]),
                ("faults", #"{"kind": "delay"}"#, ["delay_ms", "missing", "at least 1"]),
                ("faults", #"{"kind": "delay", "delay_ms": 0}"#, ["delay_ms", "0", "at least 1"]),
                ("faults", #"{"kind": "respond", "status": 204, "body": "x"}"#, ["status", "204", "body"]),
                (
                    "faults", #"{"kind": "refuse", "status": 304, "message": "x"}"#,
                    ["status", "304", "refuse", "respond"]
                ),
                ("faults", #"{"kind": "html", "status": 205}"#, ["status", "205", "html"]),
                ("faults", #"{"kind": "refuse", "status": 101}"#, ["status", "101", "200"]),
                ("faults", #"{"kind": "refuse", "headers": {"content-Length": "3"}}"#, ["headers.content-Length"]),
                (
                    "faults", #"{"kind": "respond", "headers": {"Transfer-Encoding": "chunked"}}"#,
                    ["headers.Transfer-Encoding"]
                ),
                ("faults", #"{"kind": "refuse", "headers": {"Connection": "close"}}"#, ["headers.Connection"]),
                ("faults", #"{"kind": "refuse", "headers": {"X-A": "1", "x-a": "2"}}"#, ["headers.x-a", "twice"]),
                (
                    "faults", #"{"kind": "drop", "operation": "agent-ping", "side": "stacks"}"#,
                    ["side", "stacks", "agent-ping", "agents"]
                ),
                (
                    "faults", #"{"kind": "drop", "operation": "token-identity", "side": "agents"}"#,
                    ["side", "agents", "token-identity", "stacks"]
                ),
                (
                    "faults", #"{"kind": "drop", "operation": "register-stack", "stack": "mac"}"#,
                    ["stack", "mac", "register-stack", "path"]
                ),
                ("faults", #"{"kind": "drop", "side": "agents", "stack": "mac"}"#, ["stack", "mac", "agents"]),
                (
                    "faults",
                    #"{"kind": "drop", "operation": "reserve-jobs", "job": "00000000-0000-4000-8000-000000000000"}"#,
                    ["job", "00000000-0000-4000-8000-000000000000", "reserve-jobs", "path"]
                ),
                ("queues", "{}", ["key", "missing"]),
                ("queues", #"{"key": ""}"#, ["key", "1 to 200"]),
                ("rate-limits/off", #"{"for": 3}"#, ["for", "3", "none"]),
            ]
            for (path, body, names) in mistakes {
                let answer = try await curl.control("POST", path, body)
                #expect(answer.status == 400, "\(body): \(answer)")
                for name in names { #expect(answer.message.contains(name), "\(body): \(answer.message)") }
            }
            #expect(try await curl.control("GET", "faults").body == "[\n\n]\n")
            for (query, names) in [
                ("state=runing", ["state", "runing", "running"]), ("quue=mac", ["quue", "queue"]),
                ("queue=windows", ["windows", "mac"]), ("limit=x", ["limit", "x", "10000"]),
                ("limit=1&limit=2", ["limit", "twice"]), ("after=nobody", ["after", "nobody"]), ("a=%zz", ["query"]),
            ] {
                let answer = try await curl.control("GET", "jobs?\(query)")
                #expect(answer.status == 400, "\(query): \(answer)")
                for name in names { #expect(answer.message.contains(name), "\(query): \(answer.message)") }
            }
            let report = try await curl.control("GET", "report")
            #expect(report.json["scheduled"] as? Int == 1)
            let job = try #require(try await curl.control("GET", "jobs").objects("jobs").first?["id"] as? String)
            let moved = try await curl.control("POST", "jobs/\(job)/move", #"{"state": "runing"}"#)
            #expect(moved.status == 400 && moved.message.contains("running"), "\(moved)")
            #expect(moved.message.contains("if allow_unknown_state is true"), "\(moved)")
            let open = #"{"state": "", "allow_unknown_state": true}"#
            let empty = try await curl.control("POST", "jobs/\(job)/move", open)
            #expect(
                empty.status == 400 && empty.message.hasSuffix("must be a text of 1 to 100 characters."), "\(empty)")
        }
    }

    @Test("a message repeats little of what it was given, and nothing that moves a cursor")
    func hostile() async throws {
        try await CurlWire.plaintext.run { curl in
            let name = #"\u001b[2J"# + String(repeating: "x", count: 5000)
            let answer = try await curl.control("POST", "jobs", #"{"\#(name)": "\#(name)"}"#)
            #expect(answer.status == 400)
            #expect(answer.message.utf8.count < 1000 && !answer.message.contains("\u{1B}"))
            let deep = String(repeating: "[", count: 100_000)
            #expect(try await curl.control("POST", "jobs", deep).status == 400)
        }
    }

    @Test("what is there can be listed, by queue and state, a part at a time")
    func lists() async throws {
        try await CurlWire.plaintext.run(["--queue", "mac", "--queue", "linux", "--paused"]) { curl in
            let mac = try await curl.control("POST", "jobs", #"{"count": 3}"#).strings("jobs")
            let body = #"{"queue": "linux", "organization": "acme", "build": {"branch": "next"}}"#
            let linux = try await curl.control("POST", "jobs", body).strings("jobs")
            func jobs(_ query: String) async throws -> [String] {
                try await curl.control("GET", "jobs?\(query)").objects("jobs").compactMap { $0["id"] as? String }
            }
            #expect(try await jobs("") == mac + linux)
            #expect(try await jobs("queue=linux") == linux)
            #expect(try await jobs("queue=_default&state=scheduled") == mac)
            #expect(try await jobs("state=running").isEmpty)
            let page = try await curl.control("GET", "jobs?limit=2&after=\(mac[0])")
            #expect(page.objects("jobs").compactMap { $0["id"] as? String } == Array(mac[1...]))
            #expect(page.json["has_more"] as? Bool == true)
            let last = try await curl.control("GET", "jobs?after=\(mac[2])")
            #expect((last.objects("jobs").first?["build"] as? [String: Any])?["branch"] as? String == "next")
            #expect(last.json["has_more"] as? Bool == false)

            let stack = #"{"key": "s", "type": "custom", "queue_key": "linux", "metadata": {"os": "mac"}}"#
            #expect(try await curl("POST", "stacks/register", stack).status == 201)
            let stacks = try await list(curl, "stacks")
            #expect(stacks.count == 1 && stacks[0]["key"] as? String == "s" && stacks[0]["queue"] as? String == "linux")
            #expect(stacks.first?["registered"] as? Bool == true)
            #expect(try await curl.control("POST", "queues", #"{"key": "windows"}"#).status == 204)
            let queues = try await list(curl, "queues")
            #expect(queues.compactMap { $0["key"] as? String } == ["mac", "linux", "windows"])
            #expect(queues.compactMap { $0["scheduled"] as? Int } == [3, 1, 0])
            #expect(queues.compactMap { $0["paused"] as? Bool } == [true, false, false])

            let fault = #"{"kind": "html", "operation": "token-identity", "count": 2, "delay_ms": 1}"#
            #expect(try await curl.control("POST", "faults", fault).status == 204)
            #expect(try await curl("GET", "token").status == 502)
            let faults = try await list(curl, "faults")
            #expect(faults.count == 1 && faults[0]["kind"] as? String == "html" && faults[0]["count"] as? Int == 1)
            #expect(faults.first?["operation"] as? String == "token-identity")
        }
    }

    private func list(_ curl: Curl, _ path: String) async throws -> [[String: Any]] {
        let answer = try await curl.control("GET", path)
        return try #require(try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [[String: Any]])
    }

    @Test("a reset makes everything as it was at the start, and another seed makes other jobs")
    func reset() async throws {
        try await CurlWire.plaintext.run(["--jobs", "2", "--paused"]) { curl in
            func ids() async throws -> [String] {
                try await curl.control("GET", "jobs").objects("jobs").compactMap { $0["id"] as? String }
            }
            let first = try await ids()
            let stack = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {}}"#
            for _ in 1...2 {
                #expect(try await curl("POST", "stacks/register", stack).status == 201)
                #expect(try await curl.control("POST", "jobs", #"{"count": 5}"#).status == 201)
                #expect(try await curl.control("POST", "faults", #"{"kind": "html"}"#).status == 204)
                #expect(try await curl.control("POST", "queues/default/resume").status == 204)
                #expect(try await curl.control("POST", "reset").status == 204)
                #expect(try await ids() == first)
                #expect(try await list(curl, "faults").isEmpty)
                #expect(try await list(curl, "stacks").isEmpty)
                #expect(try await list(curl, "queues").first?["paused"] as? Bool == true)
                #expect(try await curl.control("GET", "report").object("requests").isEmpty)
            }
            #expect(try await curl.control("POST", "reset", #"{"seed": 9}"#).status == 204)
            let other = try await ids()
            #expect(other.count == 2 && Set(other).isDisjoint(with: first))
            // The agent token stays.
            #expect(try await curl("GET", "token").status == 200)
        }
    }

    @Test("GET / and GET /_simulator say what there is, and a wrong method says which are right")
    func index() async throws {
        try await CurlWire.plaintext.run { curl in
            let root = curl.simulator.ready.control
            let overview = try await curl.plain("GET", String(root.dropLast("_simulator".count)), [])
            #expect(overview.status == 200 && overview.body.contains("/v3") && overview.body.contains("/_simulator"))
            for url in [root, root + "/"] {
                let index = try await curl.plain("GET", url, [])
                #expect(index.status == 200 && index.headers["content-type"] == "text/plain; charset=utf-8")
                for line in [
                    "GET /_simulator/report", "POST /_simulator/jobs/:job/cancel", "POST /_simulator/reset",
                    "; body: seconds", "; query: organization, queue, state",
                ] {
                    #expect(index.body.contains(line), "\(index.body)")
                }
            }
            let wrong = try await curl.control("DELETE", "jobs")
            #expect(wrong.status == 405 && wrong.headers["allow"] == "GET, HEAD, POST")
            #expect(try await curl.control("GET", "nothing").message.contains("/_simulator"))
            // Beside it is the API, which has no such path.
            #expect(try await curl.plain("GET", root + "x", []).status == 404)
        }
    }
}
