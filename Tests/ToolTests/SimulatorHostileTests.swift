import Foundation
import TestServers
import Testing

/// What no client of the control side would send.
@Suite("The control side under hostile requests", .timeLimit(.minutes(5)))
struct SimulatorHostileTests {
    /// All that comes back on a connection for what a script writes to its standard output.
    private func answer(_ curl: Curl, to script: String) async throws -> String {
        let all = "exec 3<>/dev/tcp/127.0.0.1/\(curl.simulator.ready.port)\n{ \(script); } >&3\ncat <&3"
        let client = try ChildProcess(URL(fileURLWithPath: "/usr/bin/env"), ["bash", "-c", all], input: [])
        return try await client.outcome().text
    }

    @Test("a response to HEAD has no body, of whatever side and status", arguments: ["_simulator/report", "v3/token"])
    func head(path: String) async throws {
        try await CurlWire.plaintext.run { curl in
            let request = #"HEAD /\#(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"#
            let response = try await answer(curl, to: "printf '\(request)'")
            #expect(response.hasPrefix("HTTP/1.1 \(path == "v3/token" ? 404 : 200)"), "\(response)")
            #expect(response.contains("Content-Length") && response.hasSuffix("\r\n\r\n"), "\(response)")
        }
    }

    @Test("a response without a body has none by whatever fault, and the next one is read after it")
    func noContent() async throws {
        try await CurlWire.plaintext.run { curl in
            let stack = #"{"key": "s", "type": "custom", "queue_key": "_default", "metadata": {}}"#
            #expect(try await curl("POST", "stacks/register", stack).status == 201)
            #expect(try await curl.control("POST", "faults", #"{"kind": "malformed"}"#).status == 204)
            for status in [204, 205, 304] {
                let fault = #"{"kind": "respond", "operation": "token-identity", "status": \#(status)}"#
                #expect(try await curl.control("POST", "faults", fault).status == 204)
            }
            let fields = #"Host: localhost\r\nAuthorization: Token \#(curl.simulator.ready.token)\r\n"#
            var script = "printf 'POST /v3/stacks/s/deregister HTTP/1.1\\r\\n\(fields)Content-Length: 0\\r\\n\\r\\n'"
            for end in ["", "", "", #"Connection: close\r\n"#] {
                script += "; printf 'GET /v3/token HTTP/1.1\\r\\n\(fields)\(end)\\r\\n'"
            }
            let responses = try await answer(curl, to: script)
            let heads = responses.matches(of: /HTTP\/1\.1 (\d+)/).map { String($0.1) }
            #expect(heads == ["204", "204", "205", "304", "200"], "\(responses)")
            // Nothing but heads, and the body of the last one.
            let parts = responses.components(separatedBy: "\r\n\r\n")
            #expect(parts.count == 6 && parts.dropLast().allSatisfy { $0.hasPrefix("HTTP/1.1 ") }, "\(responses)")
            #expect(parts.last?.hasPrefix("{") == true && !responses.contains("cut of"), "\(responses)")
        }
    }

    @Test("a body that is too large, too deep or no UTF-8 is refused with its reason")
    func bodies() async throws {
        try await CurlWire.plaintext.run { curl in
            let head = #"POST /_simulator/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"#
            let type = #"Content-Type: application/json\r\n"#
            let large = "printf '\(head)\(type)Content-Length: 3000000\\r\\n\\r\\n'; head -c 3000000 /dev/zero"
            let tooLarge = try await answer(curl, to: large)
            #expect(tooLarge.hasPrefix("HTTP/1.1 413") && tooLarge.contains("more than 2097152 bytes"), "\(tooLarge)")

            let deep = String(repeating: #"{"a":"#, count: 17) + "1" + String(repeating: "}", count: 17)
            let tooDeep = try await curl.control("POST", "jobs", deep)
            #expect(tooDeep.status == 400 && tooDeep.message.contains("deeper than 16"), "\(tooDeep)")
            // Brackets in a text count for nothing.
            let text = #"{"command": "\"\#(String(repeating: "[{", count: 50))"}"#
            #expect(try await curl.control("POST", "jobs", text).status == 201)

            for bytes in [#"{"command": "\xff"}"#, #"\xff\xfe{\x00}\x00"#, #"{\x00}\x00"#] {
                let length = bytes.replacing("\\x", with: "").utf8.count - bytes.matches(of: /\\x/).count
                let script = "printf '\(head)\(type)Content-Length: \(length)\\r\\n\\r\\n\(bytes)'"
                let response = try await answer(curl, to: script)
                #expect(response.hasPrefix("HTTP/1.1 400") && response.contains("JSON"), "\(bytes): \(response)")
            }
            #expect(try await curl.control("GET", "report").json["scheduled"] as? Int == 1)
        }
    }
}
