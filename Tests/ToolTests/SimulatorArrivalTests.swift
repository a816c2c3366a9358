import Foundation
import TestServers
import Testing

@Suite("Jobs that arrive over time by curl", .timeLimit(.minutes(5)))
struct SimulatorArrivalTests {
    @Test("they come at their times, of the kinds that were asked for")
    func arrivals() async throws {
        let manual = ["--clock", "manual", "--clock-start", "2026-03-01T12:00:00Z"]
        try await CurlWire.plaintext.run(manual + ["--queue", "mac", "--queue", "linux"]) { curl in
            let plan = """
                {"rate": 2, "for_seconds": 10, "queue": "linux", "spread": "random",
                 "jobs": [{"weight": 3, "agent_query_rules": ["os=linux"]}, {"priority": 5, "build": {"branch": "x"}}]}
                """
            let planned = try await curl.control("POST", "arrivals", plan)
            #expect(planned.status == 201 && planned.json["count"] as? Int == 20, "\(planned)")
            #expect(try await curl.control("GET", "jobs").objects("jobs").isEmpty)
            #expect(try await curl.control("POST", "clock/advance", #"{"seconds": 3600}"#).status == 200)
            let jobs = try await curl.control("GET", "jobs?queue=linux").objects("jobs")
            #expect(
                jobs.count == 20
                    && jobs.last?["scheduled_at"] as? String == planned.json["last_at"] as? String)
            #expect(Set(jobs.compactMap { $0["priority"] as? Int }) == [0, 5])
            #expect(try await curl.control("GET", "arrivals").json["pending"] as? Int == 0)
        }
    }

    @Test("a mistake in a plan is 400 with its reason")
    func mistakes() async throws {
        try await CurlWire.plaintext.run { curl in
            for (plan, names) in [
                ("{}", ["rate", "missing"]), (#"{"rate": 0, "count": 1}"#, ["rate is 0", "0.001"]),
                (#"{"rate": 1}"#, ["Neither count nor for_seconds"]),
                (#"{"rate": 1, "count": 1, "for_seconds": 1}"#, ["Both count and for_seconds"]),
                (#"{"rate": 1, "for_seconds": 0.1}"#, ["0 jobs"]),
                (#"{"rate": 1, "count": 1, "spread": "odd"}"#, ["spread", "odd", "even"]),
                (
                    #"{"rate": 1, "count": 1, "jobs": [{"prioritty": 1}]}"#, ["jobs.0.prioritty", "priority"]
                ),
                (#"{"rate": 1, "count": 1, "jobs": []}"#, ["jobs", "1 to 100"]),
                (#"{"rate": 1, "count": 1, "jobs": [{"weight": 0}]}"#, ["jobs.0.weight is 0", "0.001"]),
                (
                    #"{"rate": 1, "count": 1, "jobs": [{"state": "runing"}]}"#,
                    ["runing", "running", "jobs.0.allow_unknown_state"]
                ),
            ] {
                let answer = try await curl.control("POST", "arrivals", plan)
                #expect(answer.status == 400, "\(plan): \(answer)")
                for name in names { #expect(answer.message.contains(name), "\(plan): \(answer.message)") }
            }
            #expect(try await curl.control("GET", "arrivals").json["pending"] as? Int == 0)
        }
    }
}
