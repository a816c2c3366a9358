import Foundation
import TestServers
import Testing

@Suite("Every endpoint by curl", .timeLimit(.minutes(5)))
struct SimulatorEndpointTests {
    private static let registration =
        #"{"key": "fleet", "type": "custom", "queue_key": "_default", "metadata": {"version": "1"}}"#
    private static let listing = "stacks/fleet/scheduled-jobs?queue_key=_default"

    @Test("a job's whole life", arguments: CurlWire.allCases)
    func life(wire: CurlWire) async throws {
        try await wire.run(["--jobs", "3"]) { curl in
            let identity = try await curl("GET", "token")
            #expect(identity.status == 200)
            #expect(identity.httpVersion == wire.httpVersion)
            #expect(identity.json["organization_slug"] as? String == "acme")

            #expect(try await curl("POST", "stacks/register", Self.registration).status == 201)
            let stack = try await curl("POST", "stacks/register", Self.registration)
            #expect(stack.status == 200)
            #expect(stack.json["cluster_queue_key"] as? String == "default")

            let page = try await curl("GET", Self.listing + "&limit=2")
            #expect(page.status == 200)
            #expect(page.object("page_info")["has_next_page"] as? Bool == true)
            let cursor = try #require(page.object("page_info")["end_cursor"] as? String)
            let next = try await curl("GET", Self.listing + "&after=\(cursor)")
            let jobs = (page.objects("jobs") + next.objects("jobs")).compactMap { $0["id"] as? String }
            #expect(Set(jobs).count == 3)
            for name in ["ratelimit-scope", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
                #expect(page.headers[name] != nil)
            }

            let job = try await curl("GET", "stacks/fleet/jobs/\(jobs[0])")
            #expect(job.json["command"] as? String == "echo hello")
            #expect(job.object("env")["BUILDKITE"] as? String == "true")

            let reservation = try await curl(
                "PUT", "stacks/fleet/scheduled-jobs/batch-reserve",
                #"{"job_uuids": ["\#(jobs[0])", "\#(jobs[1])"], "reservation_expiry_seconds": 3600}"#)
            #expect(reservation.status == 200)
            #expect(reservation.strings("reserved") == [jobs[0], jobs[1]])

            let notes = try await curl(
                "POST", "stacks/fleet/notifications",
                #"{"notifications": [{"job_uuid": "\#(jobs[0])", "detail": "soon"}, {"job_uuid": "x", "detail": "y"}]}"#
            )
            #expect(notes.status == 200)
            #expect(notes.objects("errors").first?["indexes"] as? [Int] == [1])

            let issued = try await curl(
                "POST", "stacks/fleet/job-acquisition-tokens",
                #"{"job_uuids": ["\#(jobs[0])", "\#(jobs[2])"], "token_lifetime_seconds": 3600}"#)
            #expect(issued.status == 201)
            #expect(issued.strings("not_issued") == [jobs[2]])
            let token = try #require(
                issued.objects("job_acquisition_tokens").first?["job_acquisition_token"] as? String)

            #expect(try await curl("PUT", "jobs/\(jobs[0])/acquire", token: token).status == 200)
            #expect(try await curl("PUT", "jobs/\(jobs[0])/start", token: token).status == 200)
            let states = try await curl(
                "POST", "stacks/fleet/jobs/get-states", #"{"job_uuids": ["\#(jobs[0])", "\#(jobs[1])"]}"#)
            #expect(states.object("states") as? [String: String] == [jobs[0]: "running", jobs[1]: "reserved"])
            #expect(
                try await curl("PUT", "jobs/\(jobs[0])/finish", #"{"exit_status": 0}"#, token: token).status == 200)

            let finish = #"{"exit_status": 1, "detail": "no capacity"}"#
            #expect(try await curl("POST", "stacks/fleet/jobs/\(jobs[1])/finish", finish).status == 200)
            #expect(try await curl("POST", "stacks/fleet/jobs/\(jobs[1])/finish", finish).status == 422)

            let gone = try await curl("POST", "stacks/fleet/deregister")
            #expect(gone.status == 204)
            #expect(gone.body.isEmpty)
            #expect(gone.headers["content-length"] == nil)
        }
    }

    @Test("every documented error, in the API's shape", arguments: CurlWire.allCases)
    func errors(wire: CurlWire) async throws {
        try await wire.run(["--stack-limit", "1"]) { curl in
            #expect(try await curl("POST", "stacks/register", Self.registration).status == 201)
            var refused: [(Int, Curl.Answer)] = []
            refused.append((400, try await curl("POST", "stacks/register", #"{"key": "#)))
            refused.append((400, try await curl("GET", "stacks/fleet/scheduled-jobs")))
            refused.append(
                (
                    400,
                    try await curl(
                        "POST", "stacks/register", Self.registration, options: ["-H", "Content-Type: text/plain"])
                ))
            refused.append((401, try await curl("GET", "token", token: "")))
            refused.append((401, try await curl("GET", "token", token: "bkct_wrong")))
            refused.append(
                (403, try await curl("POST", "stacks/register", Self.registration.replacing("fleet", with: "other"))))
            refused.append((404, try await curl("GET", "stacks/none/scheduled-jobs?queue_key=_default")))
            refused.append((404, try await curl("GET", "stacks/fleet/scheduled-jobs?queue_key=nowhere")))
            refused.append((404, try await curl("GET", "stacks/a.b/scheduled-jobs?queue_key=_default")))
            refused.append((404, try await curl("GET", "stacks/fleet/jobs/00000000-0000-4000-8000-000000000000")))
            refused.append((404, try await curl("DELETE", "token")))
            refused.append((422, try await curl("GET", Self.listing + "&limit=1001")))
            #expect(try await curl.control("POST", "organization/unavailable").status == 204)
            refused.append((503, try await curl("GET", Self.listing)))
            for (status, answer) in refused {
                #expect(answer.status == status)
                #expect(!answer.message.isEmpty)
                #expect(answer.headers["content-type"]?.hasPrefix("application/json") == true)
                #expect(answer.headers["ratelimit-scope"] != nil)
                #expect(answer.httpVersion == wire.httpVersion)
            }
        }
    }

    @Test("requests beyond the limit of a second are 429", arguments: [CurlWire.plaintext, .tls])
    func rateLimit(wire: CurlWire) async throws {
        try await wire.run { curl in
            #expect(try await curl("POST", "stacks/register", Self.registration).status == 201)
            // Fifteen in one curl, so that they fall into one second however slow the machine is at starting programs;
            // on one that is slower still, again.
            let url = "\(curl.simulator.ready.url)/\(Self.listing)"
            var limited = 0
            while limited == 0 {
                _ = try await curl("GET", Self.listing, options: Array(repeating: url, count: 14))
                let report = try await curl.control("GET", "report")
                limited = report.object("rate_limited")["list-scheduled-jobs"] as? Int ?? 0
                #expect(report.object("responses_by_status")["429"] as? Int ?? 0 == limited)
            }
        }
    }

    @Test("with rate limits off nothing is refused")
    func rateLimitOff() async throws {
        try await CurlWire.plaintext.run(["--rate-limits", "off"]) { curl in
            #expect(try await curl("POST", "stacks/register", Self.registration).status == 201)
            let url = "\(curl.simulator.ready.url)/\(Self.listing)"
            _ = try await curl("GET", Self.listing, options: Array(repeating: url, count: 30))
            #expect(try await curl.control("GET", "report").object("rate_limited").isEmpty)
        }
    }

    @Test("a client that does not trust the test CA gets no answer")
    func untrusted() async throws {
        try await SimulatorProcess.run(["--tls"]) { simulator in
            let child = try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/env"), ["curl", "--disable", "-sS", "\(simulator.ready.url)/token"],
                input: [])
            #expect(try await child.outcome().exitStatus == 60)
        }
    }

    @Test("a thousand calls at a time over HTTP/2 are each performed once, over one connection")
    func manyCalls() async throws {
        try await SimulatorProcess.run(["--tls"]) { simulator in
            let curl = Curl(simulator: simulator)
            let caFile = try #require(simulator.ready.caFile)
            let child = try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/env"),
                [
                    "curl", "--disable", "-sS", "-Z", "--parallel-max", "50", "--cacert", caFile, "-o", "/dev/null",
                    "-H",
                    "Authorization: Token \(simulator.ready.token)", "\(simulator.ready.url)/token?n=[1-1000]",
                ], input: []
            )
            #expect(try await child.outcome().exitStatus == 0)
            let report = try await curl.control("GET", "report")
            #expect(report.object("responses_by_status") as? [String: Int] == ["200": 1000])
            // And one for the report.
            #expect(report.json["connections"] as? Int == 2)
        }
    }
}
