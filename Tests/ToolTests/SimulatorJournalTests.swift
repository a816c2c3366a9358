import Foundation
import TestServers
import Testing

@Suite("The journal and the checks by curl", .timeLimit(.minutes(5)))
struct SimulatorJournalTests {
    private let stack = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {}}"#

    @Test("the journal is read with filters and in parts, and has no token")
    func journal() async throws {
        try await CurlWire.plaintext.run(["--jobs", "1"]) { curl in
            #expect(try await curl("POST", "stacks/register", stack).status == 201)
            let job = try #require(try await curl.control("GET", "jobs").objects("jobs").first?["id"] as? String)
            let jobs = #"{"job_uuids": ["\#(job)"]}"#
            #expect(try await curl("PUT", "stacks/s/scheduled-jobs/batch-reserve", jobs).status == 200)
            #expect(try await curl("POST", "stacks/s/jobs/get-states", jobs).status == 200)
            #expect(try await curl("GET", "stacks/t/jobs/\(job)").status == 404)
            #expect(try await curl("GET", "token?\(curl.simulator.ready.token)").status == 200)

            let all = try await curl.control("GET", "requests")
            #expect(!all.body.contains(curl.simulator.ready.token))
            let requests = all.objects("requests")
            let operations = ["register-stack", "reserve-jobs", "get-job-states", "get-job", "token-identity"]
            #expect(requests.compactMap { $0["operation"] as? String } == operations)
            #expect(requests.compactMap { $0["status"] as? Int } == [201, 200, 200, 404, 200])
            #expect(all.json["dropped"] as? Int == 0 && all.json["has_more"] as? Bool == false)
            func numbers(_ query: String) async throws -> [Int] {
                let answer = try await curl.control("GET", "requests?\(query)")
                return answer.objects("requests").compactMap { $0["number"] as? Int }
            }
            #expect(try await numbers("job=\(job)&stack=s") == [2, 3])
            #expect(try await numbers("status=404&operation=get-job") == [4])
            #expect(try await numbers("after=3") == [4, 5])
            #expect(try await numbers("agent=\(job)").isEmpty)
            let third = try #require(requests[2]["at"] as? String)
            #expect(try await numbers("since=\(third)").contains(3))
            #expect(try await numbers("since=2999-01-01T00:00:00Z").isEmpty)
            #expect(try await numbers("limit=2") == [1, 2])
            for query in ["job=7", "agent=mac-1"] {
                let wrong = try await curl.control("GET", "requests?\(query)")
                #expect(wrong.status == 400 && wrong.message.contains("UUID"), "\(wrong)")
            }
            let wrong = try await curl.control("GET", "requests?operation=list")
            #expect(wrong.status == 400 && wrong.message.contains("list-scheduled-jobs"))
        }
    }

    @Test("the checks say which rules were kept, and name the jobs for which they were not")
    func checks() async throws {
        try await CurlWire.plaintext.run(["--jobs", "1"]) { curl in
            let good = try await curl.control("GET", "checks")
            #expect(good.json["hold"] as? Bool == true && good.objects("checks").count == 5)
            #expect(try await curl("POST", "stacks/register", stack).status == 201)
            let job = try #require(try await curl.control("GET", "jobs").objects("jobs").first?["id"] as? String)
            let jobs = #"{"job_uuids": ["\#(job)"]}"#
            _ = try await curl("PUT", "stacks/s/scheduled-jobs/batch-reserve", jobs)
            #expect(try await curl("POST", "stacks/s/deregister").status == 204)
            let bad = try await curl.control("GET", "checks")
            let broken = bad.objects("checks").filter { $0["holds"] as? Bool == false }
            #expect(bad.json["hold"] as? Bool == false && broken.count == 1)
            #expect(broken.first?["rule"] as? String == "none-lost" && broken.first?["jobs"] as? [String] == [job])
            #expect(broken.first?["violation_count"] as? Int == 1)
        }
    }

    @Test("the checks list as many violations as are asked for, and say how many there are")
    func manyViolations() async throws {
        try await CurlWire.plaintext.run(["--jobs", "3", "--organization", "globex"]) { curl in
            #expect(try await curl("POST", "stacks/register", stack).status == 201)
            let jobs = try await curl.control("GET", "jobs").objects("jobs").compactMap { $0["id"] as? String }
            let body = #"{"job_uuids": ["\#(jobs.joined(separator: #"", ""#))"]}"#
            _ = try await curl("PUT", "stacks/s/scheduled-jobs/batch-reserve", body)
            #expect(try await curl("POST", "stacks/s/deregister").status == 204)
            func lost(_ query: String) async throws -> (listed: Int, jobs: [String], count: Int, holds: Bool) {
                let checks = try await curl.control("GET", "checks?\(query)").objects("checks")
                let check = try #require(checks.first { $0["rule"] as? String == "none-lost" })
                return (
                    (check["violations"] as? [Any])?.count ?? -1, check["jobs"] as? [String] ?? [],
                    check["violation_count"] as? Int ?? -1, check["holds"] as? Bool ?? true
                )
            }
            #expect(try await lost("") == (3, jobs, 3, false))
            #expect(try await lost("limit=2") == (2, Array(jobs[..<2]), 3, false))
            #expect(try await lost("limit=2&organization=globex") == (0, [], 0, true))
            #expect(try await curl.control("GET", "checks?limit=0").message.contains("10000"))
        }
    }
}
