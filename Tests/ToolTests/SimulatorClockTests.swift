import Foundation
import TestServers
import Testing

@Suite("A simulator whose time a script moves", .timeLimit(.minutes(5)))
struct SimulatorClockTests {
    private static let manual = ["--clock", "manual", "--clock-start", "2026-03-01T12:00:00Z"]

    private func advance(_ curl: Curl, _ seconds: Double) async throws {
        let answer = try await curl.control("POST", "clock/advance", #"{"seconds": \#(seconds)}"#)
        #expect(answer.status == 200, "\(answer)")
    }

    private func register(_ curl: Curl) async throws {
        let stack = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {}}"#
        #expect(try await curl("POST", "stacks/register", stack).status == 201)
    }

    /// A job that the stack has reserved, and its acquisition token.
    private func reserve(_ curl: Curl) async throws -> (job: String, token: String) {
        let job = try #require(try await curl.control("POST", "jobs").strings("jobs").first)
        let body = #"{"job_uuids": ["\#(job)"]}"#
        _ = try await curl("PUT", "stacks/s/scheduled-jobs/batch-reserve", body)
        let tokens = try await curl("POST", "stacks/s/job-acquisition-tokens", body)
        let token = tokens.objects("job_acquisition_tokens").first?["job_acquisition_token"] as? String
        return (job, try #require(token))
    }

    private func job(_ curl: Curl, _ id: String) async throws -> Curl.Answer {
        try await curl.control("GET", "jobs/\(id)")
    }

    @Test("it stands until it is advanced, and everything has its dates")
    func standing() async throws {
        try await CurlWire.plaintext.run(Self.manual + ["--jobs", "1"]) { curl in
            func now() async throws -> String? { try await curl.control("GET", "clock").json["now"] as? String }
            #expect(try await now() == "2026-03-01T12:00:00.000Z")
            try await advance(curl, 1.5)
            try await advance(curl, 0)
            #expect(try await now() == "2026-03-01T12:00:01.500Z")
            #expect(try await curl.control("GET", "clock").json["kind"] as? String == "manual")
            let first = try await curl.control("GET", "jobs").objects("jobs").first
            #expect(first?["scheduled_at"] as? String == "2026-03-01T12:00:00.000Z")
            for (seconds, named) in [("-1", "-1"), ("1e12", "1000000000000"), ("\"1\"", "\"1\"")] {
                let wrong = try await curl.control("POST", "clock/advance", #"{"seconds": \#(seconds)}"#)
                #expect(wrong.status == 400 && wrong.message.contains("31622400"), "\(wrong)")
                #expect(wrong.message.contains("seconds is \(named)") || seconds == "1e12", "\(wrong)")
            }
            #expect(try await curl.control("POST", "clock/advance", "{}").message.contains("seconds is missing"))
        }
        let late = ["--clock", "manual", "--clock-start", "9999-12-31T23:59:00Z"]
        try await CurlWire.plaintext.run(late) { curl in
            try await advance(curl, 59)
            let beyond = try await curl.control("POST", "clock/advance", #"{"seconds": 1}"#)
            #expect(beyond.status == 400 && beyond.message.contains("9999"))
            for spread in ["even", "random"] {
                let arrivals = #"{"rate": 10, "count": 500, "spread": "\#(spread)"}"#
                let tooLate = try await curl.control("POST", "arrivals", arrivals)
                #expect(tooLate.status == 400, "\(tooLate)")
                for text in ["rate is 10", "500", "9999", "23:59:59"] {
                    #expect(tooLate.message.contains(text), "\(tooLate)")
                }
            }
            #expect(try await curl.control("GET", "arrivals").json["pending"] as? Int == 0)
            let last = try await curl.control("POST", "arrivals", #"{"rate": 2, "count": 1}"#)
            #expect(last.json["last_at"] as? String == "9999-12-31T23:59:59.500Z", "\(last)")
        }
    }

    @Test(
        "reservations and tokens expire by it, whenever it begins",
        arguments: ["2026-03-01T12:00:00Z", "4001-01-01T00:00:00Z", "5000-01-01T00:00:00Z"])
    func reservations(start: String) async throws {
        try await CurlWire.plaintext.run(["--clock", "manual", "--clock-start", start]) { curl in
            try await register(curl)
            let (id, token) = try await reserve(curl)
            try await advance(curl, 899.9)
            #expect(try await job(curl, id).json["state"] as? String == "reserved")
            try await advance(curl, 0.1)
            #expect(try await job(curl, id).json["state"] as? String == "scheduled")
            #expect(try await curl("PUT", "jobs/\(id)/acquire", token: token).status == 401)
        }
    }

    @Test("a limit's window opens by it")
    func limits() async throws {
        try await CurlWire.plaintext.run(Self.manual) { curl in
            try await register(curl)
            let listing = "stacks/s/scheduled-jobs?queue_key=_default"
            let more = Array(repeating: "\(curl.simulator.ready.url)/\(listing)", count: 9)
            _ = try await curl("GET", listing, options: more)
            #expect(try await curl("GET", listing).status == 429)
            try await advance(curl, 0.5)
            #expect(try await curl("GET", listing).status == 429)
            try await advance(curl, 0.5)
            #expect(try await curl("GET", listing).status == 200)
        }
    }

    @Test(
        "an agent whose heartbeats stop is lost by it, and its job ends",
        arguments: ["2026-03-01T12:00:00Z", "5000-01-01T00:00:00Z"])
    func lostAgents(start: String) async throws {
        try await CurlWire.plaintext.run(["--clock", "manual", "--clock-start", start]) { curl in
            try await register(curl)
            let (id, token) = try await reserve(curl)
            let agent = try await curl("POST", "register", "{}", token: token)
            let access = try #require(agent.json["access_token"] as? String)
            #expect(try await curl("POST", "connect", token: access).status == 200)
            #expect(try await curl("PUT", "jobs/\(id)/acquire", token: access).status == 200)
            #expect(try await curl("PUT", "jobs/\(id)/start", token: access).status == 200)
            for _ in 1...3 {
                try await advance(curl, 60)
                let beat = #"{"sent_at": "2026-03-01T12:00:00Z"}"#
                #expect(try await curl("POST", "heartbeat", beat, token: access).status == 200)
            }
            #expect(try await job(curl, id).json["state"] as? String == "running")
            try await advance(curl, 3600)
            let lost = try await job(curl, id)
            #expect(lost.json["state"] as? String == "finished" && lost.json["exit_status"] as? Int == -1)
            let agents = try await curl.control("GET", "agents")
            #expect(agents.body.contains(#""state" : "lost""#))
        }
    }

    @Test("the system's clock is not moved")
    func system() async throws {
        try await CurlWire.plaintext.run { curl in
            #expect(try await curl.control("GET", "clock").json["kind"] as? String == "system")
            let answer = try await curl.control("POST", "clock/advance", #"{"seconds": 1}"#)
            #expect(answer.status == 409 && answer.message.contains("--clock manual"))
        }
    }
}
