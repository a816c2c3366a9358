import Foundation
import TestServers
import Testing

@Suite("The control endpoints", .timeLimit(.minutes(5)))
struct SimulatorControlTests {
    private func register(_ curl: Curl) async throws {
        let body = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {}}"#
        #expect(try await curl("POST", "stacks/register", body).status == 201)
    }

    private let listing = "stacks/s/scheduled-jobs?queue_key=_default"

    @Test("scripts add jobs, look at them, cancel them and move them")
    func jobs() async throws {
        try await CurlWire.plaintext.run { curl in
            let added = try await curl.control(
                "POST", "jobs", #"{"count": 2, "priority": 5, "agent_query_rules": ["os=linux"], "command": "true"}"#)
            #expect(added.status == 201)
            let jobs = added.strings("jobs")
            #expect(jobs.count == 2)
            try await register(curl)
            let listed = try await curl("GET", listing).objects("jobs")
            #expect(listed.compactMap { $0["id"] as? String } == jobs)
            #expect(listed.first?["agent_query_rules"] as? [String] == ["queue=default", "os=linux"])

            let cancelled = try await curl.control("POST", "jobs/\(jobs[0])/cancel")
            #expect(cancelled.json["state"] as? String == "canceled")
            #expect(cancelled.objects("history").compactMap { $0["event"] as? String } == ["created", "cancelled"])
            let moved = try await curl.control(
                "POST", "jobs/\(jobs[1])/move", #"{"state": "hibernating", "allow_unknown_state": true}"#)
            #expect(moved.json["state"] as? String == "hibernating")
            #expect(try await curl.control("GET", "jobs/\(jobs[1])").json["state"] as? String == "hibernating")
        }
    }

    @Test("what has no value is null, and not missing")
    func nulls() async throws {
        try await CurlWire.plaintext.run(["--jobs", "1"]) { curl in
            let job = try #require(try await curl.control("GET", "jobs").objects("jobs").first)
            let parts = [job, job["run"] as? [String: Any] ?? [:], job["step"] as? [String: Any] ?? [:]]
            let members = [
                ["exit_status", "detail", "reserved_by", "reservation_expires_at", "script"], ["agent", "signal"],
                ["key"],
            ]
            for (part, names) in zip(parts, members) {
                for name in names { #expect(part[name] is NSNull, "\(name)") }
            }
            let brief = try #require(try await curl.control("GET", "jobs?brief=true").objects("jobs").first)
            for name in ["step", "reserved_by", "exit_status"] { #expect(brief[name] is NSNull, "\(name)") }
            #expect(
                try await curl.control("POST", "faults", #"{"kind": "drop", "operation": "get-job"}"#).status == 204)
            let body = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {}}"#
            #expect(try await curl("POST", "stacks/register", body).status == 201)
            let overview = try await curl.control("GET", "overview")
            #expect(overview.json["next_arrival_at"] is NSNull)
            let first = ["stacks", "faults"].map { name in
                (overview.object(name)["first"] as? [[String: Any]])?.first ?? [:]
            }
            #expect(first[0]["last_polled_at"] is NSNull)
            for name in ["side", "job", "stack", "organization", "status"] {
                #expect(first[1][name] is NSNull, "\(name)")
            }
            _ = try await curl.control("POST", "reset")
            #expect(try await curl("GET", "nothing").status == 404)
            let request = try await curl.control("GET", "requests").objects("requests").first
            #expect(request?["operation"] is NSNull && request?["status"] as? Int == 404)
            #expect(try await curl.control("GET", "report").object("dispatch_latency_ms")["p50"] is NSNull)
        }
    }

    @Test("scripts say of a job whatever a listing says of one, null too, and read it again")
    func listedFields() async throws {
        try await CurlWire.plaintext.run { curl in
            let body = """
                {"priority": 7, "scheduled_at": "2026-01-01T08:30:00Z", "runnable_at": null,
                 "pipeline": {"slug": "deploy"}, "build": {"uuid": null, "number": 42, "branch": "a\\nb"},
                 "step": {"key": "test"}}
                """
            let added = try await curl.control("POST", "jobs", body)
            let job = try #require(added.strings("jobs").first)
            try await register(curl)
            let listed = try #require(try await curl("GET", listing).objects("jobs").first)
            let shown = try await curl.control("GET", "jobs/\(job)")
            for fields in [listed, shown.json] {
                #expect(fields["priority"] as? Int == 7)
                #expect(fields["scheduled_at"] as? String == "2026-01-01T08:30:00.000Z")
                #expect(fields["runnable_at"] as? String == nil)
                let pipeline = fields["pipeline"] as? [String: Any]
                #expect(pipeline?["slug"] as? String == "deploy" && (pipeline?["uuid"] as? String)?.count == 36)
                let build = fields["build"] as? [String: Any]
                #expect(build?["number"] as? Int == 42 && build?["branch"] as? String == "a\nb")
                #expect(build?["uuid"] as? String == nil)
                #expect((fields["step"] as? [String: Any])?["key"] as? String == "test")
            }
            for wrong in [#"{"scheduled_at": "soon"}"#, #"{"build": {"number": "x"}}"#, #"{"step": "test"}"#] {
                #expect(try await curl.control("POST", "jobs", wrong).status == 400)
            }
        }
    }

    @Test("scripts pause and resume a queue")
    func pausing() async throws {
        try await CurlWire.plaintext.run(["--queue", "mac", "--queue", "linux", "--paused"]) { curl in
            #expect(curl.simulator.ready.queues == ["mac", "linux"])
            try await register(curl)
            func expect(isPaused expected: Bool) async throws {
                let queue = try await curl("GET", listing).object("cluster_queue")
                #expect(queue["dispatch_paused"] as? Bool == expected)
            }
            try await expect(isPaused: true)
            #expect(try await curl.control("POST", "queues/mac/resume").status == 204)
            try await expect(isPaused: false)
            #expect(try await curl.control("POST", "queues/_default/pause").status == 204)
            try await expect(isPaused: true)
            #expect(try await curl.control("POST", "queues/windows/pause").status == 404)
        }
    }

    @Test("faults strike real requests: an error, a page, a lost answer", arguments: [CurlWire.plaintext, .tls])
    func faults(wire: CurlWire) async throws {
        try await wire.run { curl in
            func add(_ fault: String) async throws {
                #expect(try await curl.control("POST", "faults", fault).status == 204)
            }
            try await add(#"{"kind": "refuse", "status": 503, "message": "later", "headers": {"Retry-After": "3"}}"#)
            let refused = try await curl("GET", "token")
            #expect((refused.status, refused.message, refused.headers["retry-after"]) == (503, "later", "3"))
            try await add(#"{"kind": "html"}"#)
            #expect(try await curl("GET", "token").body.contains("<html>"))
            try await add(#"{"kind": "malformed"}"#)
            #expect(try await curl("GET", "token").json.isEmpty)

            let body = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {}}"#
            try await add(#"{"kind": "drop", "operation": "register-stack"}"#)
            await #expect(throws: Curl.Failure.self) { try await curl("POST", "stacks/register", body) }
            // It was performed all the same: the stack is there already.
            #expect(try await curl("POST", "stacks/register", body).status == 200)

            try await add(#"{"kind": "html", "count": 100}"#)
            #expect(try await curl.control("DELETE", "faults").status == 204)
            #expect(try await curl("GET", "token").status == 200)
            #expect(try await curl.control("POST", "faults", #"{"kind": "earthquake"}"#).status == 400)
            #expect(try await curl.control("POST", "faults", "nonsense").status == 400)
        }
    }

    @Test("the report counts requests, connections and versions of HTTP", arguments: [CurlWire.plaintext, .tls])
    func report(wire: CurlWire) async throws {
        try await wire.run(["--jobs", "4"]) { curl in
            let url = "\(curl.simulator.ready.url)/token"
            _ = try await curl("GET", "token", options: [url, url])
            let report = try await curl.control("GET", "report")
            #expect(report.status == 200)
            #expect(report.json["scheduled"] as? Int == 4)
            #expect(report.object("requests") as? [String: Int] == ["token-identity": 3])
            #expect(report.object("http_versions") as? [String: Int] == ["HTTP/\(wire.httpVersion)": 3])
            // One for the three calls, one for the report.
            #expect(report.json["connections"] as? Int == 2)
            for name in ["reserved", "launched", "finished", "cancelled", "launched_twice", "lost"] {
                #expect(report.json[name] as? Int == 0)
            }
            #expect(Set(report.object("dispatch_latency_ms").keys) == ["p50", "p99"])
        }
    }

    @Test("what is not there is 404")
    func missing() async throws {
        try await CurlWire.plaintext.run { (curl: Curl) async throws in
            #expect(try await curl.control("GET", "nothing").status == 404)
            #expect(try await curl.control("GET", "jobs/x").status == 404)
            #expect(try await curl.control("POST", "jobs", #"{"count": 0}"#).status == 400)
        }
    }
}
