import Foundation
import TestServers
import Testing

@Suite("The simulator's process", .timeLimit(.minutes(5)))
struct SimulatorLifecycleTests {
    @Test("a signal ends it with exit status 0 and takes the CA file away", arguments: [SIGTERM, SIGINT])
    func stops(signal: Int32) async throws {
        let simulator = try await SimulatorProcess.start(["--tls"])
        let caFile = try #require(simulator.ready.caFile)
        #expect(FileManager.default.fileExists(atPath: caFile))
        #expect(try await simulator.stop(signal: signal) == 0)
        #expect(!FileManager.default.fileExists(atPath: caFile))
        #expect(simulator.errorText.contains("for tests only"))
    }

    @Test(
        "it stops while a client holds a connection open, idle or in the middle of a request",
        arguments: [
            "", #"printf 'POST /v3/stacks/register HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{' >&3; "#,
        ])
    func stopsWithConnections(andThen: String) async throws {
        let simulator = try await SimulatorProcess.start()
        let script = """
            exec 3<>/dev/tcp/127.0.0.1/\(simulator.ready.port)
            printf 'GET /v3/token HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' >&3
            read -r line <&3; \(andThen)echo "$line"; exec sleep 3600
            """
        let client = try ChildProcess(URL(fileURLWithPath: "/usr/bin/env"), ["bash", "-c", script], input: [])
        #expect(try await client.firstLine()?.hasPrefix("HTTP/1.1 401") == true)
        #expect(try await simulator.stop() == 0)
        client.kill()
        _ = try await client.outcome()
    }

    @Test("a port that is in use is named, and the exit status is 1")
    func portInUse() async throws {
        try await SimulatorProcess.run([]) { simulator in
            let child = try ChildProcess(
                BuiltProducts.executable(named: "stacks-simulator"), ["--port", "\(simulator.ready.port)"], input: [])
            let outcome = try await child.outcome()
            #expect(outcome.exitStatus == 1)
            #expect(outcome.output.isEmpty)
            #expect(outcome.errorText.contains("port \(simulator.ready.port)"), "\(outcome.errorText)")
        }
    }

    @Test(
        "a wrong argument is a usage error that names it",
        arguments: [
            ["--host", "0.0.0.0"], ["--port", "70000"], ["--jobs", "-1"], ["--rate-limits", "sometimes"],
            ["--base-path", "v3"], ["--agent-query-rule", "linux"], ["--reservation-default", "0"],
            ["--seed", "-1"], ["--stack-limit", "-1"], ["--port", "-1"], ["--listing-delay", "-1"],
            ["--jobs", "1000000", "--agent-query-rule", "a=" + String(repeating: "x", count: 2000)],
        ])
    func usage(arguments: [String]) async throws {
        let child = try ChildProcess(
            BuiltProducts.executable(named: "stacks-simulator"), arguments.map { $0 }, input: [])
        let outcome = try await child.outcome()
        #expect(outcome.exitStatus == 64)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorText.contains(arguments[0].dropFirst(2)))
        // A number is shown with what is wrong about it.
        if Int(arguments[1]) != nil { #expect(outcome.errorText.contains(arguments[1]), "\(outcome.errorText)") }
    }

    @Test("the same seed gives the same token, and a token can be given")
    func tokens() async throws {
        func token(_ arguments: [String]) async throws -> String {
            try await SimulatorProcess.run(arguments) { $0.ready.token }
        }
        let first = try await token(["--seed", "9"])
        #expect(first.hasPrefix("bkct_"))
        #expect(try await token(["--seed", "9"]) == first)
        #expect(try await token(["--seed", "8"]) != first)
        #expect(try await token(["--token", "bkct_mine"]) == "bkct_mine")
    }

    @Test("a program that never says it is ready is a failure within the time limit, not a hang")
    func neverReady() async throws {
        let child = try ChildProcess(URL(fileURLWithPath: "/usr/bin/env"), ["sleep", "60"])
        await #expect(throws: ChildProcess.TimeLimitExceeded.self) {
            try await child.firstLine(within: .milliseconds(50))
        }
        child.kill()
        #expect(try await child.outcome().exitStatus == 128 + SIGKILL)
    }
}
