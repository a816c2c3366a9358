import Contestant
import StacksAPI
import StacksController
import StacksTesting
import StacksTransport
import Synchronization

/// Jobs that arrive while controllers run, in real time: how long after its scheduling a job's launcher is called.
///
/// Several queues have a controller each and share the slots as a pool. The rate limits are the documented ones.
struct DispatchRun {
    /// All slots.
    static let slots = 20
    /// What a job takes.
    static let work = Duration.milliseconds(100)
    /// A quiet controller polls once a second. What arrives in its queue until it can have seen that jobs come is run, and
    /// its latency is not measured.
    static let quietTime = Duration.milliseconds(1200)

    let rate: Int
    let queues: Int
    let seconds: Int
    let seed: UInt64

    func report() async throws -> DispatchReport {
        var simulation = StacksSimulator.Configuration()
        simulation.organizations[0].queues = (0..<queues).map { "queue-\($0)" }
        let simulator = StacksSimulator(configuration: simulation)
        let launcher = TimedAgents(simulator: simulator)
        let transports = (0..<queues).map { _ in CountedTransport(simulator.transport(recordsRequests: false)) }
        let pool = queues > 1 ? try SlotPool(slots: Self.slots) : nil
        let controllers = try transports.enumerated().map { index, transport in
            var configuration = StackController.Configuration(
                stackKey: "stack-\(index)", queue: QueueKey("queue-\(index)"))
            configuration.maximumInFlight = Self.slots
            let client = try StacksClient(token: simulator.token, transport: transport)
            return try StackController(
                client: client, configuration: configuration, launcher: launcher, logger: .silent, slots: pool)
        }
        var report = DispatchReport(rate: rate, queues: queues, slots: Self.slots, seconds: seconds)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for controller in controllers { group.addTask { try await controller.run() } }
            // Until all of them poll at their usual pace.
            while transports.contains(where: { $0.counts.polls.count < 2 }) {
                try await Task.sleep(for: .milliseconds(10))
            }
            let before = transports.map(\.counts)
            let cpu = ProcessUsage.cpuNanoseconds
            let arrived = try await arrive(at: simulator)
            report.cpuNanoseconds = ProcessUsage.cpuNanoseconds - cpu
            let after = transports.map(\.counts)
            report.count(zip(before, after))
            let patience = ContinuousClock.now + .seconds(30)
            while simulator.report.finished < arrived.all, ContinuousClock.now < patience {
                try await Task.sleep(for: .milliseconds(10))
            }
            for controller in controllers { controller.drain() }
            try await group.waitForAll()
            report.arrived = arrived.all
            report.measure(arrived.measured, launched: launcher.launches)
        }
        let end = simulator.report
        report.launched = end.launched
        report.launchedTwice = end.launchedTwice
        report.lost = report.arrived - end.finished
        report.refused = end.rateLimited.values.reduce(0, +)
        return report
    }

    /// Adds jobs over time, and returns how many, and when those were scheduled that are measured.
    private func arrive(
        at simulator: StacksSimulator
    ) async throws -> (all: Int, measured: [JobID: ContinuousClock.Instant]) {
        var (all, measured) = (0, [JobID: ContinuousClock.Instant]())
        var firsts: [Int: ContinuousClock.Instant] = [:]
        let begin = ContinuousClock.now
        for arrival in Arrivals(rate: rate, queues: queues, seconds: seconds, seed: seed) {
            try await Task.sleep(until: begin + arrival.time, tolerance: .zero)
            let now = ContinuousClock.now
            let ids = simulator.addJobs(1, queue: "queue-\(arrival.queue)")
            all += ids.count
            let first = firsts[arrival.queue] ?? now
            firsts[arrival.queue] = first
            if now - first >= Self.quietTime { for id in ids { measured[JobID(id)] = now } }
        }
        try await Task.sleep(until: begin + .seconds(seconds), tolerance: .zero)
        return (all, measured)
    }
}

extension DispatchReport {
    /// Counts the requests between two looks at each transport.
    fileprivate mutating func count(
        _ looks: Zip2Sequence<[CountedTransport.Counts], [CountedTransport.Counts]>
    ) {
        for (before, after) in looks {
            requests += after.requests - before.requests
            let polls = after.polls[before.polls.count...]
            self.polls += polls.count
            for (index, poll) in zip(polls.indices, polls) {
                let others = polls[index...].prefix { $0 - poll < .seconds(1) }
                busiestSecond = max(busiestSecond, others.count)
            }
        }
    }

    fileprivate mutating func measure(
        _ arrived: [JobID: ContinuousClock.Instant], launched: [JobID: ContinuousClock.Instant]
    ) {
        let latencies = arrived.compactMap { id, time in launched[id].map { Int(($0 - time) / .nanoseconds(1)) } }
            .sorted()
        func quantile(_ share: Double) -> Int {
            let rank = Int((share * Double(latencies.count)).rounded(.up)) - 1
            return latencies.isEmpty ? 0 : latencies[min(max(rank, 0), latencies.count - 1)]
        }
        (p50Nanoseconds, p99Nanoseconds, maximumNanoseconds) = (quantile(0.5), quantile(0.99), quantile(1))
    }
}

/// Starts an agent for each job, that works for ``DispatchRun/work``, and notes when.
private final class TimedAgents: JobLauncher {
    private let simulator: StacksSimulator
    private let times = Mutex<[JobID: ContinuousClock.Instant]>([:])

    init(simulator: StacksSimulator) { self.simulator = simulator }

    var launches: [JobID: ContinuousClock.Instant] { times.withLock { $0 } }

    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        let now = ContinuousClock.now
        times.withLock { times in times[job.id] = times[job.id] ?? now }
        let agent = SimulatedAgent(simulator: simulator, job: job.id.description, token: job.acquisitionToken.value)
        do {
            try agent.acquire()
            try agent.start()
            try await Task.sleep(for: DispatchRun.work)
            try agent.finish(exitStatus: 0)
            return .success
        } catch let refusal as SimulatedAgent.Refused {
            return JobExit(status: refusal.exitStatus)
        }
    }
}
