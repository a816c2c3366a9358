import Contestant
import Logging
import StacksAPI
import StacksController
import StacksTesting
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A controller with very many scheduled jobs and the documented rate limits, over the simulator: from its start until
/// the last job is launched. Takes the number of jobs, and reports on standard output with one line of JSON.
@main
enum StacksControllerRun {
    static func main() async throws {
        let jobs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 10_000
        let simulator = StacksSimulator()
        simulator.addJobs(jobs, queue: "default")
        let launcher = InstantAgents(simulator: simulator)
        var configuration = StackController.Configuration(stackKey: "benchmark", queue: "default")
        configuration.maximumInFlight = jobs
        let client = try StacksClient(
            token: simulator.token, transport: simulator.transport(recordsRequests: false))
        let controller = try StackController(
            client: client, configuration: configuration, launcher: launcher,
            logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() })
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
        let result = ControllerReport(
            jobs: jobs, launched: report.launched, launchedTwice: report.launchedTwice,
            lost: jobs - report.finished, refused: report.rateLimited.values.reduce(0, +),
            wallNanoseconds: Int(elapsed / .nanoseconds(1)), cpuNanoseconds: cpuUsed,
            peakMemoryBytes: ProcessUsage.peakMemoryBytes)
        print(String(decoding: try JSONEncoder().encode(result), as: UTF8.self))
    }
}
