import Contestant
import HTTPTypes
import StacksAPI
import StacksController
import StacksCurl
import StacksTesting
import StacksTransport
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A controller with one kind of load over an hour of a ``QuietClock``: its CPU time, its requests and their bytes.
///
/// With a server's address it talks to it over TLS; without one to a simulator in this process, whose work is then part of
/// the CPU time.
struct HourRun {
    private let load: HourReport.Load
    private let seconds: Int
    private let clock: QuietClock
    private let simulator: StacksSimulator?
    private let curl: CurlTransport?
    private let transport: CountedTransport
    private let usesExecutor: Bool
    private let origin: String
    private let token: String

    init(load: HourReport.Load, options: Options) throws {
        self.load = load
        seconds = options.number("--seconds") ?? load.seconds
        usesExecutor = options["--no-executor"] == nil
        if let url = options["--url"], let file = options["--ca-file"] {
            clock = QuietClock(shared: options["--clock"].flatMap(SharedTime.init(path:)))
            var configuration = CurlTransport.Configuration()
            configuration.certificateAuthorities = .file(file)
            configuration.proxy = .none
            let curl = try CurlTransport(configuration: configuration)
            self.curl = curl
            simulator = nil
            (origin, token) = (url, options["--token"] ?? "")
            transport = CountedTransport(curl, clock: clock)
        } else {
            clock = QuietClock()
            let simulator = StacksSimulator(clock: clock)
            var template = SimulatedJob.Template()
            if let rule = load.rule { template.agentQueryRules = [rule] }
            simulator.addJobs(load.jobs, queue: "default", template: template)
            self.simulator = simulator
            curl = nil
            (origin, token) = ("https://127.0.0.1", simulator.token)
            transport = CountedTransport(simulator.transport(clock: clock, recordsRequests: false), clock: clock)
        }
    }

    /// On the main thread, which moves the clock and so waits most of the time.
    @MainActor
    func report() async throws -> HourReport {
        var client = StacksClient.Configuration()
        client.baseURL = "\(origin)/v3"
        client.clock = clock
        var configuration = StackController.Configuration(stackKey: "benchmark", queue: "default")
        configuration.maximumInFlight = load == .running ? 2 * load.jobs : 20
        let agents = WorkingAgents(transport, origin: origin, clock: load == .launched ? clock : nil)
        let controller = try StackController(
            client: StacksClient(token: token, transport: transport, configuration: client),
            configuration: configuration, launcher: agents, logger: .silent)
        let run = Task.detached { try await controller.run() }
        let expected = load == .running ? load.jobs : 0
        repeat { clock.pass(.seconds(60)) } while controller.status.current.running < expected
        var report = HourReport(load: load, usesExecutor: usesExecutor, seconds: seconds)
        let (before, launches, wire) = (transport.counts, agents.launches, try await wireCounts())
        let (cpu, ownCPU) = (ProcessUsage.cpuNanoseconds, ProcessUsage.threadCPUNanoseconds)
        clock.pass(.seconds(seconds))
        // The thread that moves the clock is no part of a controller.
        let used = ProcessUsage.cpuNanoseconds - cpu - (ProcessUsage.threadCPUNanoseconds - ownCPU)
        let (after, wireAfter) = (transport.counts, try await wireCounts())
        func hourly(_ count: Int) -> Int { count * 3600 / seconds }
        report.cpuNanoseconds = hourly(used)
        report.requests = hourly(after.requests - before.requests)
        report.polls = hourly(after.polls.count - before.polls.count)
        report.launched = hourly(agents.launches - launches)
        report.bytesSent = hourly(after.bytesSent - before.bytesSent)
        report.bytesReceived = hourly(after.bytesReceived - before.bytesReceived)
        if let wire, let wireAfter {
            report.bytesSent = hourly(wireAfter.bytesReceived - wire.bytesReceived)
            report.bytesReceived = hourly(wireAfter.bytesSent - wire.bytesSent)
        }
        report.peakMemoryBytes = ProcessUsage.peakMemoryBytes
        run.cancel()
        _ = await run.result
        await curl?.shutdown()
        return report
    }

    /// What the server has counted on its connections.
    private struct WireCounts: Decodable {
        var bytesReceived: Int
        var bytesSent: Int
    }

    private func wireCounts() async throws -> WireCounts? {
        guard let curl else { return nil }
        let response = try await curl.send(TransportRequest(method: .get, origin: origin, path: "/_counts"))
        return try JSONDecoder().decode(WireCounts.self, from: Data(response.body))
    }
}

/// Starts an agent for each job that takes it and works, for six seconds of a clock or until it is stopped.
private final class WorkingAgents: JobLauncher {
    private let transport: any HTTPTransport
    private let origin: String
    private let clock: QuietClock?
    private let count = Atomic(0)

    init(_ transport: any HTTPTransport, origin: String, clock: QuietClock?) {
        self.transport = transport
        self.origin = origin
        self.clock = clock
    }

    /// How many agents have taken a job.
    var launches: Int { count.load(ordering: .relaxed) }

    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        for step in ["acquire", "start"] {
            guard try await tell(job, step, "{}") else { return .notAcquired }
        }
        count.wrappingAdd(1, ordering: .relaxed)
        if let clock {
            try await clock.sleep(for: .seconds(6))
            guard try await tell(job, "finish", #"{"exit_status":"0"}"#) else { return JobExit(status: 1) }
            return .success
        }
        let (never, continuation) = AsyncStream.makeStream(of: Void.self)
        for await _ in never {}
        continuation.finish()
        return .success
    }

    private nonisolated(nonsending) func tell(_ job: LaunchedJob, _ step: String, _ body: String) async throws -> Bool {
        let request = TransportRequest(
            method: .put, origin: origin, path: "/v3/jobs/\(job.id)/\(step)",
            headerFields: [.authorization: "Token \(job.acquisitionToken.value)", .contentType: "application/json"],
            body: Array(body.utf8))
        return try await transport.send(request).status.kind == .successful
    }
}
