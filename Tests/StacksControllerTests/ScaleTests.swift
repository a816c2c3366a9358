import Foundation
import Logging
import StacksTesting
import Synchronization
import Testing

@testable import StacksAPI
@testable import StacksController

/// What is said of memory is said of a process of its own, so that other tests are not in it. How long it takes is
/// printed, and for the benchmarks to judge.
@Suite("Ten thousand jobs", .timeLimit(.minutes(5)))
struct ScaleTests {
    /// Prints what the other process measured.
    private static func show(_ result: ExitTest.Result?) {
        for line in String(decoding: result?.standardOutputContent ?? [], as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("measured: ") { print(line) }
    }

    @Test("with default rate limits all are launched, each once, and no request is refused")
    func launches() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            let simulator = StacksSimulator()
            simulator.addJobs(10_000, queue: "default")
            let transport = simulator.transport(recordsRequests: false)
            let launcher = CountingLauncher(simulator: simulator)
            var configuration = StackController.Configuration(stackKey: "scale", queue: "default")
            configuration.maximumInFlight = 10_000
            let controller = try StackController(
                client: try StacksClient(token: simulator.token, transport: transport),
                configuration: configuration,
                launcher: launcher,
                logger: Logger(label: "scale", factory: { _ in SwiftLogNoOpLogHandler() })
            )
            let begin = ContinuousClock.now
            async let run: Void = controller.run()
            while launcher.launches < 10_000 { try await Task.sleep(for: .milliseconds(5)) }
            let elapsed = ContinuousClock.now - begin
            let processor = Duration.seconds(Double(clock()) / Double(CLOCKS_PER_SEC))
            print("measured: 10 000 jobs launched after \(elapsed), \(processor) of processor time")
            controller.drain()
            try await run
            let report = simulator.report
            try #require(report.finished == 10_000)
            try #require(report.launchedTwice == 0 && report.lost == 0)
            try #require(report.rateLimited.isEmpty)
        }
        Self.show(result)
    }

    @Test("waiting for Buildkite takes at most 1.5 seconds of it, in ten reservations and ten requests for tokens")
    func requests() {
        var driver = MachineDriver(capacity: 10_000)
        let jobs = ScheduledJob.numbers(0..<10_000)
        var launched: Set<JobID> = []
        var counts = (polls: 0, reservations: 0, tokens: 0)
        var pending = driver.happens(.begin(recovered: [])).all
        while launched.count < 10_000, driver.now < .seconds(30) {
            var next: [ControllerAction] = []
            for action in pending {
                switch action {
                case .request(.register): next += driver.happens(.registered(.success(MachineDriver.stack()))).all
                case .request(.poll(let limit, let cursor)):
                    counts.polls += 1
                    let begin = cursor.flatMap { Int($0) } ?? 0
                    let end = min(begin + limit, jobs.count)
                    next += driver.polls(Array(jobs[begin..<end]), next: end < jobs.count ? "\(end)" : nil).all
                case .request(.reserve(let ids)):
                    counts.reservations += 1
                    next += driver.reserves(ids).all
                case .request(.issueTokens(let ids)):
                    counts.tokens += 1
                    next += driver.issues(ids).all
                case .launch(let job): launched.insert(job.id)
                default: break
                }
            }
            // An answer takes its time.
            pending = next + driver.passes(.milliseconds(10)).all
        }
        #expect(launched.count == 10_000)
        #expect(counts.reservations == 10)
        #expect(counts.tokens == 10)
        #expect(driver.now <= .milliseconds(1500))
    }

    /// Looked at until it holds, for as long as the test may take: what other work adds to a measurement goes away when
    /// it is repeated, and what ten thousand jobs add does not.
    @Test("a poll costs the same whether ten jobs run or ten thousand")
    func costOfPoll() throws {
        func driver(running: Int) -> MachineDriver {
            var driver = MachineDriver.running(capacity: 20_000)
            let jobs = ScheduledJob.numbers(0..<running)
            for begin in stride(from: 0, to: running, by: 1000) {
                driver.launches(Array(jobs[begin..<min(begin + 1000, running)]))
                _ = driver.passes(.milliseconds(1500))
            }
            return driver
        }
        let page = (0..<100).map { ScheduledJob.number(50_000 + $0, rules: ["os=none"]) }
        func cost(_ driver: inout MachineDriver) -> Duration {
            let begin = ContinuousClock.now
            _ = driver.polls(page)
            _ = driver.machine.status(at: driver.now)
            let cost = ContinuousClock.now - begin
            driver.jumps(to: driver.now + .milliseconds(10))
            return cost
        }
        var (few, many) = (driver(running: 10), driver(running: 10_000))
        var (bestOfFew, bestOfMany) = (cost(&few), cost(&many))
        var rounds = 1
        while rounds < 30 || bestOfMany >= bestOfFew * 3 {
            bestOfFew = min(bestOfFew, cost(&few))
            bestOfMany = min(bestOfMany, cost(&many))
            rounds += 1
            try Task.checkCancellation()
        }
    }

    #if os(Linux)
        @Test("a job that waits takes less than a kilobyte")
        func memory() async {
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                let count = 30_000
                let simulator = StacksSimulator()
                var template = SimulatedJob.Template()
                template.agentQueryRules = ["queue=default", "os=linux", "arch=arm64"]
                simulator.addJobs(count, queue: "default", template: template)
                var settings = StacksClient.Configuration()
                settings.retryPolicy = .never
                simulator.setEnforcesRateLimits(false)
                let transport = simulator.transport(recordsRequests: false)
                let client = try StacksClient(token: simulator.token, transport: transport, configuration: settings)
                _ = try await client.registerStack(key: "memory", queue: "default")
                var driver = MachineDriver.running(
                    capacity: count * 2, tags: ["queue": "default", "os": "linux", "arch": "arm64"])
                var cursor: String?
                var before = 0
                var first = 0
                repeat {
                    let page = try await client.scheduledJobs(
                        stack: "memory", queue: "default", limit: 1000, after: cursor
                    ).value
                    cursor = page.pageInfo.endCursor
                    _ = driver.happens(.polled(.success(page)))
                    _ = driver.passes(.milliseconds(200))
                    // The first pages pay for what is made once.
                    if before == 0, driver.machine.backlog.count >= 3000 {
                        before = residentBytes()
                        first = driver.machine.backlog.count
                    }
                    if !page.pageInfo.hasNextPage { cursor = nil }
                } while cursor != nil
                let jobs = driver.machine.backlog.count - first
                let each = (residentBytes() - before) / jobs
                print("measured: \(each) bytes for each of \(jobs) waiting jobs")
                try #require(jobs > 20_000)
                try #require(each < 1024)
            }
            Self.show(result)
        }
    #endif
}

/// Runs an agent for each job that does nothing but its calls.
private final class CountingLauncher: JobLauncher {
    private let simulator: StacksSimulator
    private let count = Atomic(0)

    var launches: Int { count.load(ordering: .relaxed) }

    init(simulator: StacksSimulator) { self.simulator = simulator }

    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        count.add(1, ordering: .relaxed)
        return try await SimulatedAgent(simulator: simulator, job: job).work()
    }
}

#if os(Linux)
    /// What this process has in memory.
    private func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }
#endif
