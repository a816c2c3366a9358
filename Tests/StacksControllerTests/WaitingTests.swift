import CoreMetrics
import HTTPTypes
import Logging
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("What is waited for, and what is said of it")
struct WaitingTests {
    private static let longest = Duration.seconds(300)

    @Test(
        "whatever a server asks for, it is asked again within five minutes, and the log and the status say when",
        arguments: [
            301, 86_400, 1_784_623_777, 315_360_000_000, .max,
        ] as [Int64])
    func atMost(_ seconds: Int64) {
        for kind in [CallFailure.Kind.rateLimited, .transient] {
            var driver = MachineDriver.running()
            let failure = CallFailure(kind, retryAfter: .seconds(seconds), message: "down for maintenance")
            let wishes = driver.happens(.polled(.failure(failure)))
            let due = driver.machine.polling.pacing.due
            #expect(due > .seconds(200) && due <= Self.longest)
            #expect(wishes.waits == [due])
            #expect(wishes.logged("down for maintenance; retrying in \(due.formattedSeconds) s", at: .warning) == 1)
            let status = driver.machine.status(at: driver.now)
            #expect(status.retriesIn == due)
            #expect(status.summary.contains("retries in \(due.formattedSeconds) s"))
            #expect(status.idleReason == (kind == .rateLimited ? .rateLimited : .unreachable))
            #expect(driver.passes(due - .milliseconds(1)).polls.isEmpty)
            #expect(driver.passes(.milliseconds(1)).polls.count == 1)
            _ = driver.polls([])
            #expect(driver.machine.status(at: driver.now).retriesIn == nil)
        }
    }

    @Test("controllers that were sent away together for long do not come back together")
    func herd() {
        var comebacks: Set<Duration> = []
        for seed in UInt64(1)...20 {
            var driver = MachineDriver.running()
            driver.machine.jitter = Jitter(seed: seed)
            _ = driver.happens(.polled(.failure(CallFailure(.transient, retryAfter: .seconds(Int64.max), message: ""))))
            comebacks.insert(driver.machine.polling.pacing.due)
        }
        #expect(comebacks.count == 20)
    }

    @Test("the wait before the next registration is logged too, and a shorter wait is respected")
    func registration() {
        var driver = MachineDriver(capacity: 1)
        _ = driver.happens(.begin(recovered: []))
        let failure = CallFailure(.rateLimited, retryAfter: .seconds(40), message: "slow down")
        let wishes = driver.happens(.registered(.failure(failure)))
        let due = driver.machine.registration.pacing.due
        #expect(due >= .seconds(40) && due <= .seconds(44))
        #expect(wishes.waits == [due])
        #expect(driver.machine.status(at: driver.now).retriesIn == due)
    }

    @Test("the wait that is logged for a refused batch is the one before the smaller batch")
    func refusedBatch() {
        var driver = MachineDriver.running()
        _ = driver.polls([.number(1), .number(2)])
        let ids = [ScheduledJob.number(1).id, ScheduledJob.number(2).id]
        let refused = CallFailure(.rejected, message: "job_uuids is invalid")
        let wishes = driver.happens(.reserved(asked: ids, .failure(refused)))
        #expect(wishes.waits == [driver.machine.reserving.pacing.due])
        #expect(wishes.logged("retrying in 1.0 s") == 1)
    }

    @Test("intervals that no clock can count to are refused")
    func configuration() {
        for change: (inout StackController.Configuration) -> Void in [
            { $0.pollInterval = .seconds(Int64.max) }, { $0.lingerTimeout = .seconds(Int64.max) },
            { $0.statusInterval = .seconds(Int64.max) }, { $0.watchInterval = .seconds(Int64.max) },
            { $0.pollTimeout = .zero }, { $0.pollTimeout = .seconds(-1) }, { $0.pollTimeout = .seconds(3601) },
        ] {
            var configuration = StackController.Configuration(stackKey: "k", queue: "q")
            change(&configuration)
            #expect(throws: ConfigurationError.self) { try configuration.validate() }
        }
        #expect(StackController.Configuration(stackKey: "k").pollTimeout == .seconds(10))
    }

    /// Keeps until when each request may take, and answers with a list.
    private final class Recorder: HTTPTransport {
        private let requests = Mutex<[(path: String, deadline: ContinuousClock.Instant?)]>([])

        func deadline(of part: String) -> ContinuousClock.Instant? {
            requests.withLock { $0.first { $0.path.contains(part) }?.deadline }
        }

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            requests.withLock { $0.append((request.path, request.deadline)) }
            return TransportResponse(status: .ok, body: Array(#"{"jobs":[],"states":{}}"#.utf8))
        }
    }

    @Test("a poll has a deadline of its own, of ten seconds, and the other calls have the client's")
    func pollTimeout() async throws {
        let recorder = Recorder()
        var settings = StacksClient.Configuration()
        settings.clock = ManualClock()
        settings.requestTimeout = .seconds(30)
        let client = try StacksClient(token: "bkct_none", transport: recorder, configuration: settings)
        var configuration = StackController.Configuration(stackKey: "k", queue: "q")
        for (timeout, path) in [(nil, "limit=1"), (.seconds(3), "limit=2")] as [(Duration?, String)] {
            if let timeout { configuration.pollTimeout = timeout }
            let calls = ControllerCalls(
                client: client, configuration: configuration, time: ControllerTime(settings.clock))
            _ = await calls.make(.poll(limit: timeout == nil ? 1 : 2, after: nil))
            _ = await calls.make(.queryStates(StateQuery(watched: [ScheduledJob.number(1).id])))
            let poll = try #require(recorder.deadline(of: path))
            let states = try #require(recorder.deadline(of: "get-states"))
            #expect(poll.duration(to: states) == .seconds(30) - (timeout ?? .seconds(10)))
        }
    }

    @Test("whatever the settle time-out is, jobs are finished and given back, and the stack is de-registered")
    func settleTimeout() async throws {
        let recorder = Recorder()
        var settings = StacksClient.Configuration()
        let clock = ManualClock()
        settings.clock = clock
        let client = try StacksClient(token: "bkct_none", transport: recorder, configuration: settings)
        var configuration = StackController.Configuration(stackKey: "k", queue: "q")
        configuration.settleTimeout = .zero
        let calls = ControllerCalls(client: client, configuration: configuration, time: ControllerTime(settings.clock))
        _ = await calls.make(.giveBack([ScheduledJob.number(1).id]))
        _ = await calls.make(.deregister)
        for path in ["batch-reserve", "deregister"] { #expect(recorder.deadline(of: path) != nil, "\(path)") }

        var driver = MachineDriver.running { $0.settleTimeout = .zero }
        driver.launches([.number(1)])
        let query = try #require(driver.happens(.launcherEnded(ScheduledJob.number(1).id, .failed("x"))).queries.first)
        let wishes = driver.says([ScheduledJob.number(1).id: .reserved], to: query)
        let times = wishes.all.compactMap { if case .request(.finish(_, _, _, let time)) = $0 { time } else { nil } }
        #expect(times == [.seconds(30)])
    }

    @Test("the line of a failed call has the time of day of the next one")
    func timeOfDay() async throws {
        let log = Mutex<[String]>([])
        let logger = Logger(label: "test") { _ in Lines { line in log.withLock { $0.append(line) } } }
        let transport = InMemoryTransport(script: [])
        transport.enqueue([
            .respond(
                TransportResponse(
                    status: .serviceUnavailable, headerFields: [.retryAfter: "86400"],
                    body: Array(#"{"message":"closed"}"#.utf8)))
        ])
        var settings = StacksClient.Configuration()
        settings.metricsFactory = NOOPMetricsHandler.instance
        let client = try StacksClient(token: "bkct_none", transport: transport, configuration: settings)
        let configuration = StackController.Configuration(stackKey: "k", queue: "q")
        let controller = try StackController(
            client: client, configuration: configuration, launcher: NoLauncher(), logger: logger,
            metrics: NOOPMetricsHandler.instance)
        let run = Task { try await controller.run() }
        let pattern =
            /closed; retrying in 2\d\d\.\d s and not in the 86400\.0 s that it asks for, at \d{4}-\d\d-\d\dT[\d:.]+Z/
        try await wait { log.withLock { $0.contains { $0.contains(pattern) } } }
        let wait = try #require(controller.status.retriesIn)
        #expect(wait > .seconds(200) && wait <= Self.longest)
        run.cancel()
        _ = await run.result
    }

    private struct NoLauncher: JobLauncher {
        func launch(_ job: LaunchedJob) async throws -> JobExit { .success }
    }

    private struct Lines: LogHandler {
        let add: @Sendable (String) -> Void
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        init(_ add: @escaping @Sendable (String) -> Void) { self.add = add }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { add("\(event.message)") }
    }

    // MARK: How many wait

    @Test("while every slot is taken the last full count is kept, less what was reserved since, with its age")
    func fullCount() {
        var driver = MachineDriver.running(capacity: 4)
        let jobs = ScheduledJob.numbers(0..<60)
        let taken = jobs.prefix(4).map(\.id)
        _ = driver.polls(jobs)
        _ = driver.reserves(taken)
        _ = driver.issues(taken)
        #expect(driver.machine.status(at: driver.now).current.waiting == 56)
        for _ in 0..<5 {
            let wishes = driver.passes(.seconds(2))
            #expect(wishes.polls.map(\.limit) == [1])
            _ = driver.polls([jobs[4]], next: "1")
            for query in wishes.queries {
                _ = driver.says(Dictionary(uniqueKeysWithValues: query.jobs.map { ($0, .running) }), to: query)
            }
        }
        let status = driver.machine.status(at: driver.now)
        #expect(status.current.waiting == 56)
        #expect(status.sinceWaitingCount == .seconds(10))
        #expect(status.knowsAllWaiting)
        #expect(status.summary.contains("now 56 waiting (counted 10.0 s ago)"))
        // A slot is free: one of those that wait takes it.
        #expect(!driver.happens(.launcherEnded(taken[0], .exited(.success))).reserved.isEmpty)
        #expect(driver.machine.status(at: driver.now).current.waiting == 55)
    }

    @Test("a list that holds nothing more shows how many wait, however small the page was")
    func emptied() {
        var driver = MachineDriver.running(capacity: 1)
        let jobs = ScheduledJob.numbers(0..<9)
        _ = driver.polls(jobs)
        _ = driver.reserves([jobs[0].id])
        _ = driver.issues([jobs[0].id])
        for left in [[jobs[3]], []] {
            #expect(driver.passes(.seconds(2)).polls.map(\.limit) == [1])
            _ = driver.polls(left)
            let status = driver.machine.status(at: driver.now)
            #expect(status.current.waiting == left.count)
            #expect(status.sinceWaitingCount == .zero)
        }
    }

    @Test("a count of a part of the list is marked as such")
    func part() {
        var driver = MachineDriver.running(capacity: 1)
        let jobs = ScheduledJob.numbers(0..<100)
        _ = driver.polls(jobs, next: "100")
        let status = driver.machine.status(at: driver.now)
        #expect(!status.knowsAllWaiting)
        #expect(status.summary.contains("now at least 100 waiting"))
    }

    @Test("the jobs of a paused queue are counted, and none of them is reserved")
    func paused() {
        var driver = MachineDriver.running(capacity: 10)
        let jobs = ScheduledJob.numbers(0..<7)
        #expect(driver.polls(jobs, isPaused: true).reserved.isEmpty)
        #expect(driver.machine.status(at: driver.now).current.waiting == 7)
        for _ in 0..<3 {
            #expect(driver.passes(.seconds(2)).polls.map(\.limit) == [1])
            #expect(driver.polls([jobs[0]], isPaused: true, next: "1").reserved.isEmpty)
        }
        #expect(driver.machine.status(at: driver.now).current.waiting == 7)
    }
}
