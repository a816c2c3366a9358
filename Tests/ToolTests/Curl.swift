import Foundation
import TestServers
import Testing

/// The command-line tool `curl`, talking to a simulator.
struct Curl {
    var simulator: SimulatorProcess
    /// `HTTP/1.1` is forced where it is `true`; otherwise curl and the server choose.
    var forcesHTTP1 = false

    struct Answer {
        var status: Int
        /// As curl counts: `2` or `1.1`.
        var httpVersion: String
        /// By lowercase name.
        var headers: [String: String]
        var body: String

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
        }
        var message: String { json["message"] as? String ?? "" }
        func strings(_ name: String) -> [String] { json[name] as? [String] ?? [] }
        func object(_ name: String) -> [String: Any] { json[name] as? [String: Any] ?? [:] }
        func objects(_ name: String) -> [[String: Any]] { json[name] as? [[String: Any]] ?? [] }
    }

    /// curl ended without an answer.
    struct Failure: Error {
        var exitStatus: Int32
        var message: String
    }

    /// - Parameters:
    ///   - path: Below the API's base URL.
    ///   - token: The agent token when left out; none when empty.
    func callAsFunction(
        _ method: String, _ path: String, _ body: String? = nil, token: String? = nil, options: [String] = []
    ) async throws -> Answer {
        var arguments = ["-H", "Accept: application/json"]
        let token = token ?? simulator.ready.token
        if !token.isEmpty { arguments += ["-H", "Authorization: Token \(token)"] }
        if let body { arguments += ["-H", "Content-Type: application/json", "--data-binary", body] }
        return try await run(method, "\(simulator.ready.url)/\(path)", arguments + options)
    }

    /// A call to one of the control endpoints.
    func control(_ method: String, _ path: String, _ body: String? = nil) async throws -> Answer {
        let json = ["-H", "Content-Type: application/json"]
        return try await run(
            method, "\(simulator.ready.control)/\(path)", body.map { json + ["--data-binary", $0] } ?? [])
    }

    /// A request as another program, or a web page, would make it; `url` may be of the API or of the control side.
    func plain(_ method: String, _ url: String, _ options: [String]) async throws -> Answer {
        try await run(method, url, options)
    }

    private func run(_ method: String, _ url: String, _ options: [String]) async throws -> Answer {
        var arguments = ["--disable", "-sS", "--path-as-is", "-D", "-", "-X", method]
        arguments += ["-w", "\n%{http_version} %{http_code}"]
        if let caFile = simulator.ready.caFile { arguments += ["--cacert", caFile] }
        if forcesHTTP1 { arguments.append("--http1.1") }
        let child = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), ["curl"] + arguments + options + [url], input: [])
        let outcome = try await child.outcome()
        guard outcome.exitStatus == 0 else {
            throw Failure(exitStatus: outcome.exitStatus, message: outcome.errorText)
        }
        return try Self.parse(outcome.text)
    }

    /// Header lines, an empty line, the body, and last what `-w` wrote.
    private static func parse(_ text: String) throws -> Answer {
        guard let end = text.range(of: "\r\n\r\n"), let last = text.range(of: "\n", options: .backwards) else {
            throw Failure(exitStatus: 0, message: "not an answer: \(text)")
        }
        var headers: [String: String] = [:]
        for line in text[..<end.lowerBound].components(separatedBy: "\r\n").dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
                .trimmingCharacters(in: .whitespaces)
        }
        let facts = text[last.upperBound...].split(separator: " ")
        let body = end.upperBound <= last.lowerBound ? text[end.upperBound..<last.lowerBound] : ""
        return Answer(
            status: Int(facts.last ?? "") ?? 0, httpVersion: facts.first.map(String.init) ?? "", headers: headers,
            body: String(body)
        )
    }
}

/// The ways in which a simulator is reached.
enum CurlWire: String, CaseIterable, CustomTestStringConvertible {
    case plaintext = "HTTP/1.1 in plaintext"
    case tls = "HTTP/2 over TLS"
    case tlsHTTP1 = "HTTP/1.1 over TLS"

    var testDescription: String { rawValue }
    var httpVersion: String { self == .tls ? "2" : "1.1" }

    /// Runs a simulator and hands over a curl that talks to it this way.
    func run(_ arguments: [String] = [], _ body: (Curl) async throws -> Void) async throws {
        try await SimulatorProcess.run(arguments + (self == .plaintext ? [] : ["--tls"])) { simulator in
            try await body(Curl(simulator: simulator, forcesHTTP1: self == .tlsHTTP1))
        }
    }
}
