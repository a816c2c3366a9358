import Foundation
import TestServers
import Testing

@Suite("The description of the control side", .timeLimit(.minutes(5)))
struct SimulatorDescriptionTests {
    private typealias Object = [String: Any]

    /// Each operation with its path and method.
    private func operations(_ curl: Curl) async throws -> [(method: String, path: String, operation: Object)] {
        let paths = try await curl.control("GET", "openapi.json").object("paths")
        var operations: [(method: String, path: String, operation: Object)] = []
        for (path, methods) in paths {
            for (method, operation) in try #require(methods as? [String: Object]) {
                operations.append((method.uppercased(), path, operation))
            }
        }
        return operations
    }

    @Test("it has every path of the index, and no other")
    func paths() async throws {
        try await CurlWire.plaintext.run { curl in
            let index = try await curl.plain("GET", curl.simulator.ready.control, []).body
            let listed = index.split(separator: "\n").compactMap { $0.split(separator: ": ").first.map(String.init) }
            let described = try await operations(curl).map { operation in
                let path = operation.path.replacing("{", with: ":").replacing("}", with: "")
                return "\(operation.method) \(path)"
            }
            #expect(listed.count > 20)
            #expect(Set(described) == Set(listed))
        }
    }

    @Test("the help has every path, and what goes on in the next line is indented")
    func help() async throws {
        let program = try BuiltProducts.executable(named: "stacks-simulator")
        let text = try await ChildProcess(program, ["--help"], input: []).outcome().text
        let list = try #require(text.split(separator: "USAGE:").first?.split(separator: "application/json':").last)
        let lines = list.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("  GET ") || $0.hasPrefix("  POST ") || $0.hasPrefix("  DELETE ") } > 20)
        #expect(lines.allSatisfy { $0.hasPrefix("  ") && $0.count < 80 })
        #expect(list.contains(/body: kind, operation,[a-z_, ]+\n {30,}[a-z]/))
    }

    @Test("a path answers what it says, and refuses the members that it does not have")
    func answers() async throws {
        try await CurlWire.plaintext.run(["--clock", "manual", "--jobs", "1"]) { curl in
            let base = String(curl.simulator.ready.control.dropLast("/_simulator".count))
            let job = try #require(try await curl.control("GET", "jobs").objects("jobs").first?["id"] as? String)
            let json = ["-H", "Content-Type: application/json", "--data-binary"]
            for (method, path, operation) in try await operations(curl) {
                let values = ["{job}": job, "{queue}": "default", "{fault}": "1"]
                let url = base + values.reduce(path) { $0.replacing($1.key, with: $1.value) }
                let statuses = Set((operation["responses"] as? Object ?? [:]).keys)
                let unknown = try await curl.plain(method, url, json + [#"{"no_such_member": 1}"#])
                #expect(unknown.status == 400, "\(method) \(path)")
                let content = (operation["requestBody"] as? Object)?["content"] as? Object
                let schema = (content?["application/json"] as? Object)?["schema"] as? Object
                let required = schema?["required"] as? [String] ?? []
                // What is required can be made of the schema.
                let properties = schema?["properties"] as? [String: Object] ?? [:]
                let body = Object(uniqueKeysWithValues: required.map { ($0, Self.example(properties[$0] ?? [:])) })
                let text = String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self)
                let answer = try await curl.plain(method, url, method == "GET" ? [] : json + [text])
                #expect(statuses.contains(String(answer.status)), "\(method) \(path): \(answer)")
                let isGood = 200..<300 ~= answer.status
                // "x" is no state, arrivals need one of two members, and no fault is on.
                let needsMore = ["/move", "/arrivals", "/{fault}"].contains { path.hasSuffix($0) }
                #expect(isGood || needsMore, "\(method) \(path): \(answer)")
                if path.hasSuffix("/reset") { #expect(try await curl.control("GET", "jobs/\(job)").status == 200) }
            }
        }
    }

    private static func example(_ schema: Object) -> Any {
        if let names = schema["enum"] as? [String] { return names[0] }
        return schema["type"] as? String == "number" || schema["type"] as? String == "integer" ? 1 : "x"
    }

    @Test("what each takes is described with its bounds and what is known")
    func members() async throws {
        try await CurlWire.plaintext.run(["--organization", "globex"]) { curl in
            let all = try await operations(curl)
            let faults = try #require(all.first { $0.path == "/_simulator/faults" && $0.method == "POST" }?.operation)
            let text = String(decoding: try JSONSerialization.data(withJSONObject: faults), as: UTF8.self)
            for fact in [#""earthquake""#] { #expect(!text.contains(fact)) }
            for fact in ["refuse", "list-scheduled-jobs", "delay_ms", "3600000", #""additionalProperties":false"#] {
                #expect(text.contains(fact), "\(fact): \(text)")
            }
            let jobs = try #require(all.first { $0.path == "/_simulator/jobs" && $0.method == "GET" }?.operation)
            let names = (jobs["parameters"] as? [Object] ?? []).compactMap { $0["name"] as? String }
            // Several organizations can have queues of the same key.
            let queue = (jobs["parameters"] as? [Object])?.first { $0["name"] as? String == "queue" }
            let keys = try #require((queue?["schema"] as? Object)?["enum"] as? [String])
            #expect(Set(keys).count == keys.count && keys.contains("default"))
            #expect(names == ["organization", "queue", "state", "find", "after", "order", "limit", "brief"])
        }
    }
}
