import Foundation
import TestServers
import Testing

/// The description says what responses have, and they have it.
@Suite("Responses of the control side and their description", .timeLimit(.minutes(5)))
struct SimulatorResponseTests {
    private typealias Object = [String: Any]

    /// What is wrong with a value by its schema.
    private func mistakes(in value: Any, by schema: Object, at place: String) -> [String] {
        if let schemas = schema["anyOf"] as? [Object] {
            let all = schemas.map { mistakes(in: value, by: $0, at: place) }
            return all.contains { $0.isEmpty } ? [] : all.flatMap(\.self)
        }
        let types = schema["type"] as? [String] ?? (schema["type"] as? String).map { [$0] } ?? []
        guard let type = types.first(where: { Self.isOf($0, value) }) else {
            return ["\(place) is \(value), and not one of \(types)"]
        }
        switch type {
        case "array":
            guard let item = schema["items"] as? Object else { return ["\(place) has elements of no kind"] }
            return (value as? [Any] ?? []).enumerated().flatMap { index, element in
                mistakes(in: element, by: item, at: "\(place).\(index)")
            }
        case "object":
            let members = value as? Object ?? [:]
            if let element = schema["additionalProperties"] as? Object {
                return members.flatMap { mistakes(in: $0.value, by: element, at: "\(place).\($0.key)") }
            }
            let properties = schema["properties"] as? [String: Object] ?? [:]
            let missing = (schema["required"] as? [String] ?? []).filter { members[$0] == nil }
            return missing.map { "\(place).\($0) is missing" }
                + members.flatMap { name, member in
                    properties[name].map { mistakes(in: member, by: $0, at: "\(place).\(name)") }
                        ?? ["\(place).\(name) is not described"]
                }
        case "string" where schema["format"] as? String == "date-time":
            let text = value as? String ?? ""
            return text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil ? [] : ["\(place) is \(text)"]
        default: return []
        }
    }

    private static func isOf(_ type: String, _ value: Any) -> Bool {
        switch type {
        case "null": value is NSNull
        case "array": value is [Any]
        case "object": value is Object
        case "string": value is String
        case "boolean": value is Bool
        case "integer": value is Int
        case "number": value is Double
        default: false
        }
    }

    @Test("every response has what is described, and nothing else, with values and without")
    func responses() async throws {
        let options = ["--clock", "manual", "--play-jobs", "launched", "--organization", "globex", "--jobs", "1"]
        try await CurlWire.plaintext.run(options) { curl in
            let paths = try await curl.control("GET", "openapi.json").object("paths")
            func expectDescribed(_ method: String, _ path: String, _ target: String, _ body: String? = nil) async throws
            {
                let operation = (paths["/_simulator/\(path)"] as? Object)?[method.lowercased()] as? Object
                let answer = try await curl.control(method, target, body)
                #expect(200...201 ~= answer.status, "\(answer)")
                let response = (operation?["responses"] as? Object)?[String(answer.status)] as? Object
                let content = (response?["content"] as? Object)?["application/json"] as? Object
                let schema = try #require(content?["schema"] as? Object, "\(method) \(path)")
                let value = try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
                #expect(mistakes(in: value, by: schema, at: path) == [], "\(method) \(target)")
            }
            func expectAllDescribed() async throws {
                let reads = [
                    "report", "overview", "requests", "checks", "clock", "arrivals", "jobs", "organizations", "queues",
                    "stacks", "agents", "faults",
                ]
                for path in reads { try await expectDescribed("GET", path, path) }
                try await expectDescribed("GET", "jobs", "jobs?brief=true")
                let described = paths.filter { ($0.value as? Object)?["get"] != nil }.keys
                let others = ["", "/page", "/openapi.json", "/jobs/{job}", "/jobs/{job}/log"].map { "/_simulator" + $0 }
                #expect(Set(described) == Set(reads.map { "/_simulator/\($0)" } + others))
            }
            try await expectAllDescribed()

            let script = #"{"seconds": 5, "signal": "SIGKILL", "output": [{"text": "b"}], "ignores_cancel": true}"#
            try await expectDescribed("POST", "jobs", "jobs", #"{"script": \#(script), "step": {"key": "s"}}"#)
            try await expectDescribed("POST", "arrivals", "arrivals", #"{"rate": 1, "count": 3}"#)
            let stack = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {"a": "b"}}"#
            #expect(try await curl("POST", "stacks/register", stack).status == 201)
            #expect(try await curl("GET", "stacks/s/scheduled-jobs?queue_key=_default").status == 200)
            let jobs = try await curl.control("GET", "jobs").objects("jobs").compactMap { $0["id"] as? String }
            let list = #"{"job_uuids": ["\#(jobs[0])", "\#(jobs[1])"]}"#
            #expect(try await curl("PUT", "stacks/s/scheduled-jobs/batch-reserve", list).status == 200)
            let tokens = try await curl("POST", "stacks/s/job-acquisition-tokens", #"{"job_uuids": ["\#(jobs[1])"]}"#)
            #expect(tokens.status == 201)
            // A token where none may be, and a path that there is not.
            _ = try await curl("GET", "nothing/\(curl.simulator.ready.token)")
            for fault in [
                #"{"kind": "drop"}"#,
                #"{"kind": "html", "operation": "get-job", "side": "stacks", "stack": "s", "job": "\#(jobs[0])", "count": 2}"#,
            ] { #expect(try await curl.control("POST", "faults", fault).status == 204) }
            await #expect(throws: Curl.Failure.self) { try await curl("GET", "token") }
            for seconds in [1, 60] {
                try await expectDescribed("POST", "clock/advance", "clock/advance", #"{"seconds": \#(seconds)}"#)
                try await expectAllDescribed()
                for job in jobs { try await expectDescribed("GET", "jobs/{job}", "jobs/\(job)") }
            }
            #expect(try await curl.control("GET", "jobs/\(jobs[1])").json["exit_status"] as? Int == -1)
            try await expectDescribed("POST", "jobs/{job}/cancel", "jobs/\(jobs[0])/cancel")
            let move = #"{"state": "limited"}"#
            try await expectDescribed("POST", "jobs/{job}/move", "jobs/\(jobs[0])/move", move)
        }
    }

    @Test("what can be null is described so, and what a list has")
    func schemas() async throws {
        try await CurlWire.plaintext.run { curl in
            let paths = try await curl.control("GET", "openapi.json").object("paths")
            func schema(_ path: String) throws -> Object {
                let operation = (paths["/_simulator/\(path)"] as? Object)?["get"] as? Object
                let response = (operation?["responses"] as? Object)?["200"] as? Object
                let content = (response?["content"] as? Object)?["application/json"] as? Object
                return try #require(content?["schema"] as? Object)
            }
            let job = try #require(try schema("jobs/{job}")["properties"] as? [String: Object])
            #expect(job["exit_status"]?["type"] as? [String] == ["integer", "null"])
            #expect(job["scheduled_at"]?["type"] as? [String] == ["string", "null"])
            #expect(job["scheduled_at"]?["format"] as? String == "date-time")
            #expect(job["script"]?["type"] as? [String] == ["object", "null"])
            // The script is what POST jobs takes, so that what was not given is not there.
            #expect(job["script"]?["required"] as? [String] == [])
            #expect((try schema("jobs/{job}")["required"] as? [String])?.contains("exit_status") == true)
            let faults = try #require(try schema("faults")["items"] as? Object)
            let fault = try #require(faults["properties"] as? [String: Object])
            #expect(fault["count"]?["type"] as? [String] == ["integer", "null"])
            #expect(fault["probability"]?["type"] as? String == "number")
            #expect((try schema("jobs")["anyOf"] as? [Object])?.count == 2)
            let report = try #require(try schema("report")["properties"] as? [String: Object])
            let counts = report["by_state"]?["additionalProperties"] as? Object
            #expect(counts?["type"] as? String == "integer")
        }
    }
}
