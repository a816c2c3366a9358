import Foundation
import TestServers
import Testing

/// With everything logged that can be, nothing secret is on either stream but where a command was asked for it.
@Suite("Secrets", .timeLimit(.minutes(5)))
struct SecretsTests {
    @Test(
        "no command prints a credential or a job's secret, whatever is logged",
        arguments: [Wire.curlHTTP2, .urlSession])
    func nothingLeaks(wire: Wire) async throws {
        try await SimulatedWorld.run(over: wire) { world in
            let logging = ["--log-level", "trace", "--log-payloads"]
            let secret: [String: Any] = ["env": ["KEY": "value-to-hide"], "command": "command-to-hide"]
            let jobs = try await world.addJobs(2, secret)
            let queue = ["--queue", world.simulator.ready.queue]
            let stack = ["--stack", "mac-fleet"]
            var printed: [String: ToolRun] = [:]
            for command in [
                ["register", "--key", "mac-fleet"] + queue,
                ["list"] + stack + queue,
                ["get"] + stack + [jobs[0]],
                ["reserve"] + stack + jobs,
                ["states"] + stack + jobs,
                ["tokens"] + stack + [jobs[0]],
                ["notify"] + stack + [jobs[0], "hello"],
                ["finish"] + stack + [jobs[1], "--detail", "no capacity"],
                ["whoami", "--headers"],
                ["deregister", "--key", "mac-fleet"],
            ] {
                let run = try await world.stacksctl(command + logging)
                #expect(run.status == 0, "\(command): \(run.errors)")
                #expect(run.errors.contains("trace") || run.errors.contains("debug"), "nothing was logged")
                #expect(!run.errors.contains("value-to-hide") && !run.errors.contains("command-to-hide"))
                #expect(!run.errors.contains("bkjat_"))
                printed[command[0]] = run
            }
            for (command, run) in printed {
                #expect(run.output.contains("bkjat_") == (command == "tokens"))
                #expect(run.output.contains("command-to-hide") == (command == "get"))
                #expect(!run.output.contains("value-to-hide"))
            }
        }
    }
}
