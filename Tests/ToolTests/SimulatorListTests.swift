import Foundation
import TestServers
import Testing

@Suite("What the control side lists", .timeLimit(.minutes(5)))
struct SimulatorListTests {
    private func jobs(_ curl: Curl, _ query: String) async throws -> [String] {
        let answer = try await curl.control("GET", "jobs?\(query)")
        #expect(answer.status == 200, "\(answer)")
        return answer.objects("jobs").compactMap { $0["id"] as? String }
    }

    @Test("jobs in the order in which they moved, found by a text, and without their history")
    func jobLists() async throws {
        try await CurlWire.plaintext.run(["--jobs", "3", "--queue", "mac", "--queue", "linux"]) { curl in
            let added = try await jobs(curl, "")
            let hotfix = try await curl.control(
                "POST", "jobs", #"{"queue": "linux", "pipeline": {"slug": "Web"}, "build": {"number": 7}}"#
            ).strings("jobs")[0]
            #expect(try await jobs(curl, "order=moved") == [hotfix] + added.reversed())
            _ = try await curl.control("POST", "jobs/\(added[1])/cancel")
            #expect(try await jobs(curl, "order=moved&limit=2") == [added[1], hotfix])
            #expect(try await curl.control("GET", "jobs?order=moved&limit=2").json["has_more"] as? Bool == true)
            #expect(try await jobs(curl, "find=wEb") == [hotfix])
            #expect(try await jobs(curl, "find=\(added[2].prefix(13).uppercased())") == [added[2]])
            #expect(try await jobs(curl, "find=queue%3Dmac&order=moved&state=scheduled") == [added[2], added[0]])
            #expect(try await jobs(curl, "queue=linux&order=moved") == [hotfix])

            let brief = try #require(
                try await curl.control("GET", "jobs?brief=true&find=web").objects("jobs").first)
            #expect(brief["pipeline"] as? String == "Web" && brief["build"] as? Int == 7)
            #expect(brief["organization"] as? String == "acme" && brief["exit_status"] is NSNull)
            #expect(brief["event"] as? String == "created" && brief["moved_at"] is String && brief["history"] == nil)

            let both = try await curl.control("GET", "jobs?order=moved&after=\(added[0])")
            #expect(both.status == 400 && both.message.contains("after"))
            let unknown = try await curl.control("GET", "jobs?order=size")
            #expect(unknown.status == 400 && unknown.message.contains("added, moved"))
        }
    }

    @Test("an overview with counts, and the first of each list")
    func overview() async throws {
        try await CurlWire.plaintext.run(["--jobs", "3", "--queue", "mac", "--queue", "linux"]) { curl in
            let body = #"{"key": "s", "type": "custom", "queue_key": "mac", "metadata": {}}"#
            #expect(try await curl("POST", "stacks/register", body).status == 201)
            #expect(try await curl("GET", "stacks/s/scheduled-jobs?queue_key=mac").status == 200)
            _ = try await curl.control("POST", "queues/mac/pause")
            _ = try await curl.control("POST", "rate-limits/off")
            _ = try await curl.control("POST", "arrivals", #"{"rate": 0.001, "count": 2, "queue": "linux"}"#)
            let overview = try await curl.control("GET", "overview?limit=1")
            #expect(overview.json["by_state"] as? [String: Int] == ["scheduled": 3])
            #expect(overview.json["pending_arrivals"] as? Int == 2 && overview.json["next_arrival_at"] is String)
            #expect(overview.json["rate_limits"] as? Bool == false)
            #expect(overview.json["last_request"] as? Int == 2)
            #expect(overview.object("queues")["count"] as? Int == 2)
            let queues = try #require(overview.object("queues")["first"] as? [[String: Any]])
            #expect(queues.count == 1 && queues[0]["paused"] as? Bool == true)
            #expect(queues[0]["by_state"] as? [String: Int] == ["scheduled": 3])
            let stack = try #require((overview.object("stacks")["first"] as? [[String: Any]])?.first)
            #expect(stack["key"] as? String == "s" && stack["connected"] as? Bool == true)
            #expect(stack["last_polled_at"] is String && (stack["limits"] as? [Any])?.isEmpty == false)

            let before = try #require(overview.json["job_events"] as? Int)
            _ = try await curl.control("POST", "jobs/\(try await jobs(curl, "")[0])/cancel")
            let after = try await curl.control("GET", "overview")
            #expect(after.json["by_state"] as? [String: Int] == ["scheduled": 2, "canceled": 1])
            #expect(after.json["job_events"] as? Int == before + 1)
            // A reset with other jobs is never taken for the same jobs.
            #expect(try await curl.control("POST", "reset", #"{"seed": 9}"#).status == 204)
            let anew = try await curl.control("GET", "overview")
            #expect(anew.json["by_state"] as? [String: Int] == ["scheduled": 3])
            #expect(anew.json["job_events"] as? Int ?? 0 > before + 1)
        }
    }

    @Test("jobs in a state that the API does not have, once there is one")
    func unknownState() async throws {
        try await CurlWire.plaintext.run(["--jobs", "3"]) { curl in
            #expect(try await curl.control("GET", "jobs?state=hibernating").status == 400)
            let added = try await jobs(curl, "")
            let move = #"{"state": "hibernating", "allow_unknown_state": true}"#
            _ = try await curl.control("POST", "jobs/\(added[1])/move", move)
            #expect(try await jobs(curl, "state=hibernating") == [added[1]])
            let wrong = try await curl.control("GET", "jobs?state=asleep")
            #expect(wrong.status == 400 && wrong.message.contains("broken, hibernating"), "\(wrong)")
            _ = try await curl.control("POST", "jobs/\(added[1])/cancel")
            // Who looks at such jobs goes on looking.
            #expect(try await jobs(curl, "state=hibernating").isEmpty)
        }
    }

    @Test("of the journal the last requests")
    func newestRequests() async throws {
        try await CurlWire.plaintext.run { curl in
            for _ in 1...3 { _ = try await curl("GET", "token") }
            let journal = try await curl.control("GET", "requests?newest=true&limit=2")
            #expect(journal.objects("requests").compactMap { $0["number"] as? Int } == [2, 3])
            #expect(journal.json["has_more"] as? Bool == true)
        }
    }

    @Test("of a log its end, and of the faults one is removed by its number")
    func partsAndNumbers() async throws {
        try await CurlWire.plaintext.run(["--jobs", "1"]) { curl in
            let job = try await jobs(curl, "")[0]
            let log = try await curl.control("GET", "jobs/\(job)/log?last=10")
            #expect(log.status == 200 && log.body.isEmpty)
            #expect(try await curl.control("GET", "jobs/\(job)/log?last=0").status == 400)

            for kind in ["html", "drop", "html"] {
                #expect(try await curl.control("POST", "faults", #"{"kind": "\#(kind)", "count": 5}"#).status == 204)
            }
            func faults() async throws -> [[String: Any]] {
                let body = try await curl.control("GET", "faults").body
                return try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [[String: Any]])
            }
            #expect(try await faults().compactMap { $0["number"] as? Int } == [1, 2, 3])
            #expect(try await faults()[0]["status"] as? Int == 502)
            #expect(try await curl.control("DELETE", "faults/2").status == 204)
            #expect(try await faults().compactMap { $0["number"] as? Int } == [1, 3])
            for number in ["2", "x", "-1", "99999999999999999999"] {
                let gone = try await curl.control("DELETE", "faults/\(number)")
                #expect(gone.status == 404 && gone.message.contains("\"\(number)\""), "\(gone)")
            }
        }
    }
}
