import Foundation
import TestServers
import Testing

/// A web page reaches every server on the machine of whoever looks at it.
@Suite("Requests of web pages", .timeLimit(.minutes(5)))
struct SimulatorForeignPageTests {
    private static let add = ["--data-binary", #"{"count": 1}"#]
    private static let json = ["-H", "Content-Type: application/json"]

    /// Asks the control side to add a job, with these fields.
    private func post(_ curl: Curl, _ fields: String..., json isJSON: Bool = true) async throws -> Curl.Answer {
        try await curl.plain(
            "POST", "\(curl.simulator.ready.control)/jobs",
            Self.add + (isJSON ? Self.json : []) + fields.flatMap { ["-H", $0] })
    }

    private func jobs(_ curl: Curl) async throws -> Int? {
        try await curl.control("GET", "report").json["scheduled"] as? Int
    }

    @Test(
        "a Host that is not this machine's is refused, on the control side and for the API",
        arguments: [
            "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.999",
            "0.0.0.0", "10.0.0.1", "[::]", "localhost:80@evil.example", "\u{202e}localhost",
        ])
    func foreignHosts(host: String) async throws {
        try await CurlWire.plaintext.run { curl in
            let field = ["-H", "Host: \(host)"]
            for url in ["\(curl.simulator.ready.control)/report", "\(curl.simulator.ready.url)/token"] {
                let answer = try await curl.plain("GET", url, field)
                #expect(answer.status == 403 && answer.message.contains("Host"), "\(host): \(answer)")
                #expect(answer.headers["content-type"] == "application/json")
            }
            #expect(try await post(curl, "Host: \(host)").status == 403)
            #expect(try await jobs(curl) == 0)
        }
    }

    @Test("every name of this machine is taken, and those that the simulator was given")
    func ownHosts() async throws {
        try await CurlWire.plaintext.run(["--allowed-host", "stacks.test"]) { curl in
            for host in [
                "localhost", "LOCALHOST:1", "localhost.:9", "127.0.0.1", "127.1.2.3:8080", "[::1]:8080",
                "Stacks.Test:80",
            ] {
                let answer = try await curl.plain(
                    "GET", "\(curl.simulator.ready.control)/report", ["-H", "Host: \(host)"])
                #expect(answer.status == 200, "\(host): \(answer)")
            }
        }
    }

    @Test("a page's Origin and Sec-Fetch-Site are refused, its own are taken", arguments: [CurlWire.plaintext, .tls])
    func origins(wire: CurlWire) async throws {
        try await wire.run { curl in
            let own = String(curl.simulator.ready.control.dropLast("/_simulator".count))
            let port = "\(curl.simulator.ready.port)"
            let otherScheme = own.hasPrefix("https") ? "http" : "https"
            for origin in [
                "https://evil.example", "null", "http://localhost:1", "\(otherScheme)://localhost:\(port)",
                "\(own).evil",
            ] {
                #expect(try await post(curl, "Origin: \(origin)").status == 403, "\(origin)")
                let asked = try await curl.plain(
                    "GET", "\(curl.simulator.ready.url)/token", ["-H", "Origin: \(origin)"])
                #expect(asked.status == 403, "\(origin)")
            }
            for site in ["cross-site", "same-site", "anything"] {
                #expect(try await post(curl, "Sec-Fetch-Site: \(site)").status == 403, "\(site)")
            }
            #expect(try await jobs(curl) == 0)
            #expect(try await post(curl, "Origin: \(own)", "Sec-Fetch-Site: same-origin").status == 201)
            #expect(try await post(curl, "Sec-Fetch-Site: none").status == 201)
        }
    }

    @Test(
        "a body that a page may send without asking is refused: it is no JSON, or does not say so",
        arguments: [
            "text/plain", "text/plain;application/json", "application/x-www-form-urlencoded", "application/jsonp", "",
        ])
    func contentTypes(type: String) async throws {
        try await CurlWire.plaintext.run { curl in
            // Without a value curl sends no such field.
            let answer = try await post(curl, "Content-Type:\(type.isEmpty ? "" : " \(type)")", json: false)
            #expect(answer.status == 415 && answer.message.contains("application/json"), "\(answer)")
            #expect(try await jobs(curl) == 0)
            let right = try await post(curl, "Content-Type: Application/JSON; charset=utf-8", json: false)
            #expect(right.status == 201)
            // Without a body there is nothing to be of a type.
            #expect(try await curl.control("POST", "rate-limits/off").status == 204)
        }
    }
}
