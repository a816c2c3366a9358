import CommandLaunching
import Foundation
import StacksAPI
import StacksController
import StacksTesting
import Testing

/// Real processes, and a simulated Buildkite with time that is hurried.
@Suite("A command that ends at once", .timeLimit(.minutes(5)))
struct BrokenCommandTests {
    /// 300 jobs, and a command that ends with status 1 as long as there is no such file.
    private func stack(
        _ file: String, mode: StackController.Configuration.Mode
    ) throws -> SimulatedStack {
        var configuration = CommandLauncher.Configuration()
        configuration.output = .discarded
        let command = try CommandLauncher(
            command: ["sh", "-c", #"test -e "$1""#, "sh", file], configuration: configuration)
        let behavior = SimulatedAgents.Behavior { agent in
            let exit = try await command.launch(agent.job)
            return exit == .success ? try await agent.work() : exit
        }
        return try SimulatedStack(
            capacity: 20, mode: mode, behavior: behavior, prepare: { $0.addJobs(300, queue: "default") })
    }

    private func withFile(_ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "command-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory.appending(path: "mended").path)
    }

    @Test("three of 300 jobs are failed and the others given back; when it is mended all run")
    func mended() async throws {
        try await withFile { file in
            let stack = try stack(file, mode: .continuous)
            async let run: Void = stack.controller.run()
            try await stack.until { _ in stack.controller.status.idleReason == .launchesFail }
            // Some are tried, one at a time.
            try await stack.until { _ in stack.controller.status.totals.launched >= 26 }
            let reason = "launches end before an agent has taken their job"
            #expect(stack.controller.readiness() == ControllerHealth(isGood: false, reason: reason))
            #expect(stack.simulator.jobs(in: .finished).count == 3)
            #expect(stack.simulator.jobs(in: .finished).allSatisfy { $0.detail?.contains("status 1") == true })
            try Data().write(to: URL(filePath: file))
            try await stack.until { $0.jobs(in: .finished).count == 300 }
            try await stack.until { _ in stack.controller.readiness().isGood }
            stack.controller.drain()
            try await run
            #expect(stack.simulator.report.requests[.finishJob] == 3)
            #expect(stack.simulator.report.lost == 0)
            let totals = stack.controller.status.totals
            #expect(totals.failed == 3 && totals.finished == 297)
        }
    }

    @Test("a controller that ends by itself ends with an error, and leaves the others scheduled")
    func untilIdle() async throws {
        try await withFile { file in
            let stack = try stack(file, mode: .untilIdle)
            let error = await #expect(throws: StackControllerError.self) { try await stack.controller.run() }
            #expect(error?.code == .launcherUnusable)
            #expect(stack.simulator.jobs(in: .finished).count == 3)
            try await stack.until { $0.jobs(in: .scheduled).count == 297 }
            #expect(stack.simulator.report.requests[.deregisterStack] == 1)
        }
    }
}
