import Foundation
import TestServers
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// One way for the tool to reach the simulator.
enum Wire: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case curlHTTP1 = "libcurl, plaintext HTTP/1.1"
    case curlHTTP2 = "libcurl, TLS with HTTP/2"
    case curlTLSHTTP1 = "libcurl, TLS with HTTP/1.1"
    case urlSession = "URLSession, plaintext"

    var testDescription: String { rawValue }

    /// What the simulator must be told.
    var simulatorArguments: [String] {
        switch self {
        case .curlHTTP2, .curlTLSHTTP1: ["--tls"]
        case .curlHTTP1, .urlSession: []
        }
    }

    /// What the tool must be told.
    func toolArguments(_ ready: SimulatorProcess.Ready) -> [String] {
        switch self {
        case .curlHTTP1: []
        case .curlHTTP2: ["--ca-file", ready.caFile ?? ""]
        case .curlTLSHTTP1: ["--ca-file", ready.caFile ?? "", "--http-version", "1.1"]
        case .urlSession: ["--transport", "urlsession"]
        }
    }

    /// The version of HTTP that the server must have seen.
    var httpVersion: String {
        self == .curlHTTP2 ? "HTTP/2" : "HTTP/1.1"
    }
}

/// The real tool and the real simulator, and what goes between them.
struct SimulatedWorld: Sendable {
    let simulator: SimulatorProcess
    let wire: Wire

    /// Starts a simulator of its own for `body`, and ends it with it.
    static func run<Result>(
        over wire: Wire = .curlHTTP1,
        _ arguments: [String] = [],
        _ body: (SimulatedWorld) async throws -> Result
    ) async throws -> Result {
        // A token whose look nothing else shares, so that it can be searched for.
        try await SimulatorProcess.run(
            wire.simulatorArguments + ["--token", secretToken] + arguments
        ) { try await body(SimulatedWorld(simulator: $0, wire: wire)) }
    }

    static let secretToken = "bkct_5ecret5ecret5ecret"

    var environment: [String: String] {
        ["BUILDKITE_AGENT_TOKEN": simulator.ready.token, "BUILDKITE_AGENT_ENDPOINT": simulator.ready.url]
    }

    /// Runs the tool; what it prints must never hold the agent token.
    func stacksctl(_ arguments: String..., input: String = "") async throws -> ToolRun {
        try await stacksctl(arguments, input: input)
    }

    func stacksctl(_ arguments: [String], input: String = "") async throws -> ToolRun {
        let run = try await ToolRun.stacksctl(
            wire.toolArguments(simulator.ready) + arguments,
            environment: environment,
            input: input
        )
        #expect(!run.output.contains(Self.secretToken) && !run.errors.contains(Self.secretToken))
        return run
    }

    /// Runs the tool, which must succeed, and gives its JSON.
    func json(_ arguments: String..., input: String = "") async throws -> [String: Any] {
        let run = try await stacksctl(arguments + ["--output", "json"], input: input)
        try #require(run.status == 0, "\(arguments): \(run.errors)")
        return try run.document()
    }

    /// Runs the tool, which must succeed, and gives the lines of its table.
    func table(_ arguments: String..., input: String = "") async throws -> [String] {
        let run = try await stacksctl(arguments, input: input)
        try #require(run.status == 0, "\(arguments): \(run.errors)")
        return run.lines
    }

    /// Asks the simulator, or plays Buildkite's part in it.
    @discardableResult
    func control(_ path: String, method: String = "GET", body: [String: Any]? = nil) async throws -> [String: Any] {
        var arguments = ["--silent", "--show-error", "--fail-with-body", "--request", method]
        if let caFile = simulator.ready.caFile { arguments += ["--cacert", caFile] }
        if let body {
            let text = try JSONSerialization.data(withJSONObject: body)
            arguments += [
                "--header", "Content-Type: application/json", "--data", String(decoding: text, as: UTF8.self),
            ]
        }
        let child = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["curl", "--disable"] + arguments + ["\(simulator.ready.control)/\(path)"],
            input: []
        )
        let outcome = try await child.outcome()
        try #require(outcome.exitStatus == 0, "\(path): \(outcome.text)\(outcome.errorText)")
        guard !outcome.output.isEmpty else { return [:] }
        let value = try JSONSerialization.jsonObject(with: Data(outcome.output))
        return try #require(value as? [String: Any])
    }

    /// Adds jobs and gives their UUIDs.
    func addJobs(_ count: Int = 1, _ template: [String: Any] = [:]) async throws -> [String] {
        let answer = try await control(
            "jobs",
            method: "POST",
            body: template.merging(["count": count]) { given, _ in given }
        )
        return try #require(answer["jobs"] as? [String])
    }

    /// Registers a stack that owns the queue.
    func register(_ key: String = "mac-fleet") async throws {
        _ = try await json("register", "--key", key, "--queue", simulator.ready.queue)
    }
}
