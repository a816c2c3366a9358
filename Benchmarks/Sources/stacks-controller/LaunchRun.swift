import Contestant
import StacksAPI
import StacksController
import StacksTesting

/// A controller with very many scheduled jobs and the documented rate limits: from its start until the last job is
/// launched.
enum LaunchRun {
    static func report(jobs: Int) async throws -> ControllerReport {
        let simulator = StacksSimulator()
        simulator.addJobs(jobs, queue: "default")
        let launcher = InstantAgents(simulator: simulator)
        var configuration = StackController.Configuration(stackKey: "benchmark", queue: "default")
        configuration.maximumInFlight = jobs
        let client = try StacksClient(
            token: simulator.token, transport: simulator.transport(recordsRequests: false))
        let controller = try StackController(
            client: client, configuration: configuration, launcher: launcher, logger: .silent)
        let began = ContinuousClock.now
        let cpu = ProcessUsage.cpuNanoseconds
        var elapsed = Duration.zero
        var cpuUsed = 0
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            while launcher.launches < jobs, ContinuousClock.now - began < .seconds(60) {
                try await Task.sleep(for: .milliseconds(5))
            }
            elapsed = ContinuousClock.now - began
            cpuUsed = ProcessUsage.cpuNanoseconds - cpu
            controller.drain()
            try await group.waitForAll()
        }
        let report = simulator.report
        return ControllerReport(
            jobs: jobs, launched: report.launched, launchedTwice: report.launchedTwice,
            lost: jobs - report.finished, refused: report.rateLimited.values.reduce(0, +),
            wallNanoseconds: Int(elapsed / .nanoseconds(1)), cpuNanoseconds: cpuUsed,
            peakMemoryBytes: ProcessUsage.peakMemoryBytes)
    }
}
