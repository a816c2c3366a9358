import Foundation
import TestServers
import Testing

/// A `stacksctl run --listen` against the simulator, and what its status server responds.
struct ListeningRun: Sendable {
    let tool: ChildProcess
    let world: SimulatedWorld
    let port: Int

    /// Starts the tool, does `body` once it listens, and ends it.
    static func during(
        _ world: SimulatedWorld, _ options: [String] = [], listen: String = "127.0.0.1:0", command: [String] = [],
        _ body: (ListeningRun) async throws -> Void
    ) async throws {
        let tool = try start(world, ["--listen", listen] + options, command: command)
        defer { tool.kill() }
        try await body(ListeningRun(tool: tool, world: world, port: try await port(of: tool)))
        tool.signal(SIGQUIT)
        let run = ToolRun(try await tool.outcome())
        #expect(!run.errors.contains(SimulatedWorld.secretToken) && !run.errors.contains("bkjat_"))
    }

    static func start(_ world: SimulatedWorld, _ options: [String], command: [String] = []) throws -> ChildProcess {
        let command = command.isEmpty ? [Checkout.demoAgent.path] : command
        return try ToolRun.start(
            ["run", "--stack", "runner", "--queue", world.simulator.ready.queue, "--poll-interval", "0.2"] + options
                + ["--"] + command,
            environment: world.environment)
    }

    /// The port that the log names.
    static func port(of tool: ChildProcess) async throws -> Int {
        while true {
            if let match = tool.errorText.firstMatch(of: /Status at http:\/\/[^ ]+:([0-9]+)\//) {
                return try #require(Int(match.1))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// What a `GET`, or whatever the options make of it, gives.
    func get(_ path: String, _ options: [String] = []) async throws -> Curl.Answer {
        let method = options.contains("--head") ? "HEAD" : "GET"
        return try await ask(method, path, options)
    }

    func ask(_ method: String, _ path: String, _ options: [String] = []) async throws -> Curl.Answer {
        let curl = Curl(simulator: world.simulator)
        let answer = try await curl.plain(method, "http://127.0.0.1:\(port)\(path)", options)
        #expect(!answer.body.contains(SimulatedWorld.secretToken) && !answer.body.contains("bkjat_"))
        return answer
    }

    func status(_ query: String = "") async throws -> [String: Any] {
        let answer = try await get("/status\(query)")
        #expect(answer.status == 200 && answer.headers["content-type"] == "application/json", "\(answer)")
        return answer.json
    }

    /// The page, once a condition in JavaScript holds on it.
    func page(once condition: String) async throws -> String {
        try await Browser.document(at: "http://127.0.0.1:\(port)/", once: condition)
    }

    /// Asks until the status is as wanted. The test's time limit ends it when it never is.
    @discardableResult
    func status(until isWanted: ([String: Any]) -> Bool) async throws -> [String: Any] {
        while true {
            let status = try await status()
            if isWanted(status) { return status }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Asks until the response has the wanted body.
    @discardableResult
    func get(_ path: String, until isWanted: (Curl.Answer) -> Bool) async throws -> Curl.Answer {
        while true {
            let answer = try await get(path)
            if isWanted(answer) { return answer }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
