public import CoreMetrics
public import Logging
public import ServiceLifecycle
public import StacksAPI
import StacksTransport
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Runs a stack: polls for scheduled jobs, reserves those that match, launches an agent for each, and watches it until
/// it is done.
///
/// It is a `Service`: run it alone, or in a `ServiceGroup` that turns SIGTERM into a graceful shutdown.
///
/// ```swift
/// var configuration = StackController.Configuration(stackKey: "mac-fleet", queue: "mac")
/// configuration.tags = ["os": "macos"]
/// let controller = try StackController(
///     client: client, configuration: configuration, launcher: launcher, logger: logger)
/// try await controller.run()
/// ```
///
/// ## What it promises
/// - A job is launched with a job acquisition token of its own, never with the agent token, and by one launcher at a
///   time.
/// - No more jobs are in flight than ``Configuration/maximumInFlight``.
/// - While the queue is paused nothing is started; it is polled all the same, so that it is shown as connected.
/// - What is reserved and not launched when it shuts down is given back at once.
/// - A job that its launcher could not start is finished with the launcher's message, at most once. When the launcher
///   says that it cannot start any, jobs are given back; the controller waits and tries again, or ends, as the launcher
///   says. When three launches in a row end before an agent has taken the job, jobs are given back too, and one at a time is
///   tried until an agent takes one: a broken launcher empties no queue.
/// - Nothing is finished or given back whose reservation may have expired: by then it may be another stack's.
/// - Nothing that an agent has is stopped because a response does not know it, or says what is not known here.
/// - Failed calls are retried with growing waits of at most five minutes, whatever the server asks for. A
///   token that is not accepted (401), and a stack that is refused (403) or a queue that does not exist (404) when that is
///   repeated after a pause, end it with one ``StackControllerError``, after the running jobs have ended. Only what the
///   API itself responds with counts, JSON with a message: the controller waits until a proxy's page is gone.
public final class StackController: Service {
    private enum Run { case isToCome, isUnderWay, hasEnded }

    private let client: StacksClient
    /// What does not change: see ``reconfigure(_:)``.
    private let initial: Configuration
    /// The configuration that counts now, and the place in a pool while the controller runs.
    private let current: Mutex<(configuration: Configuration, seat: Seat?)>
    private let launcher: any JobLauncher
    private let logger: Logger
    private let clock: any Clock<Duration>
    private let metricsFactory: any MetricsFactory
    /// Where calls are made, and nothing that could block its thread.
    private let callExecutor: (any TaskExecutor)?
    private let slots: SlotPool?
    let mailbox = Mailbox()
    let questions = JobQuestions()
    private let published = PublishedStatus()
    private let run = Mutex(Run.isToCome)

    /// The key of its stack.
    public var stackKey: String { initial.stackKey }

    /// What the controller does now, and how often: see ``reconfigure(_:)``.
    public var configuration: Configuration { current.withLock { $0.configuration } }

    /// The queue that its stack serves.
    public var queue: QueueKey { configuration.queue }

    /// What the controller is doing now.
    public var status: ControllerStatus {
        // Read first, so that a run that has ended is shown with its last step.
        let hasEnded = run.withLock { $0 == .hasEnded }
        var status = published.status
        // A run that was cancelled, or did not come to its first step, leaves no last word.
        if hasEnded { status.phase = .ended }
        return status
    }

    /// How late the controller is with its next action: zero when it is on time, or waits for a response.
    var lateness: Duration { published.lateness }

    /// A controller that talks through `client` and starts agents with `launcher`.
    ///
    /// - Parameters:
    ///   - client: Talks to Buildkite; its transport stays open when the controller ends.
    ///   - configuration: What the controller does, and how often.
    ///   - launcher: Starts the agents.
    ///   - logger: Receives what happens, with `stack` and `queue` in its metadata.
    ///   - slots: The slots that it shares with other stacks of this process; none by default: then it has
    ///     ``Configuration/maximumInFlight`` slots of its own.
    ///   - metrics: Where the controller counts what it does; its client's by default.
    ///   - clock: Measures every interval of the configuration; its client's by default.
    /// - Throws: `ConfigurationError` when a value of the configuration is out of its range.
    public init(
        client: StacksClient,
        configuration: Configuration,
        launcher: any JobLauncher,
        logger: Logger,
        slots: SlotPool? = nil,
        metrics: (any MetricsFactory)? = nil,
        clock: (any Clock<Duration>)? = nil
    ) throws {
        try configuration.validate()
        self.client = client
        initial = configuration
        current = Mutex((configuration, nil))
        self.launcher = launcher
        self.slots = slots
        self.clock = clock ?? client.clock
        metricsFactory = metrics ?? client.metricsFactory
        callExecutor = configuration.usesTransportExecutor ? client.preferredExecutor : nil
        var logger = logger
        logger[metadataKey: "stack"] = "\(configuration.stackKey)"
        logger[metadataKey: "queue"] = "\(Self.shown(configuration.queue.rawValue))"
        self.logger = logger
    }

    /// Registers the stack and works until a graceful shutdown, ``drain()``, or the end that
    /// ``Configuration/mode-swift.property`` says. Can be called once.
    ///
    /// It returns when the last job has ended, everything is reported, and the stack is de-registered.
    /// A service group takes a service that returns by itself for a failure of it, unless the service's
    /// `successTerminationBehavior` says otherwise.
    ///
    /// Cancelling the task stops every launcher and ends without another call to Buildkite: reservations expire.
    ///
    /// - Throws: ``StackControllerError`` when there is no point in going on, `CancellationError` when the task was
    ///   cancelled, `ConfigurationError` when it was called before or more is kept for the stacks of a ``SlotPool`` than it
    ///   has, and what ``JobLauncher/recover()`` throws.
    public func run() async throws {
        let isFirst = run.withLock { run in
            defer { if run == .isToCome { run = .isUnderWay } }
            return run == .isToCome
        }
        guard isFirst else {
            throw ConfigurationError("run() was called before: a controller runs once")
        }
        defer { run.withLock { $0 = .hasEnded } }
        let recovered = try await recovered()
        let seat = try slots.map { try Seat(in: $0, configuration, mailbox) }
        current.withLock { $0.seat = seat }
        defer {
            current.withLock { $0.seat = nil }
            seat?.leave()
        }
        let ending = await withGracefulShutdownHandler {
            await work(recovered, seat)
        } onGracefulShutdown: { [mailbox] in
            mailbox.post(.drain)
        }
        switch ending {
        case nil: throw CancellationError()
        case .failure(let error)?: throw error
        case .success?: return
        }
    }

    /// The jobs whose agents run already. A dry run takes nothing up: it would stop, or report on, what is another
    /// controller's to follow.
    private func recovered() async throws -> [JobID] {
        if initial.isDryRun { return [] }
        return try await withTaskExecutorPreference(LauncherExecutor.shared) { try await launcher.recover() }
    }

    /// Takes no further jobs and lets the running ones end; then ``run()`` returns.
    ///
    /// A graceful shutdown of the service group does the same.
    public func drain() {
        current.withLock { $0.seat }?.keepNothing()
        mailbox.post(.drain)
    }

    /// Changes what the controller does, while it runs or before. Running jobs stay, and so do those that are reserved or being
    /// launched; what comes after is subject to the new values.
    ///
    /// The stack itself stays what it is: ``Configuration/stackKey``, ``Configuration/queue``, ``Configuration/stackType``,
    /// ``Configuration/metadata``, ``Configuration/reservationExpiry``, ``Configuration/mode-swift.property``,
    /// ``Configuration/isDryRun`` and ``Configuration/usesTransportExecutor`` must be as they were; another stack needs another controller.
    ///
    /// - Throws: `ConfigurationError` when one of these differs, or a value is out of its range. Then nothing has changed.
    public func reconfigure(_ configuration: Configuration) throws {
        try configuration.validate()
        if let name = initial.fixedPropertyThatDiffers(from: configuration) {
            throw ConfigurationError("The \(name) of a stack cannot change while it runs: make another controller")
        }
        current.withLock { current in
            current.configuration = configuration
            // Under the lock, so that the last configuration is also the last that the machine hears of.
            mailbox.post(.configured(configuration))
        }
    }

    /// Steps the machine until it ends, and does what it wants done; `nil` when the task was cancelled.
    private func work(_ recovered: [JobID], _ seat: Seat?) async -> Result<Void, StackControllerError>? {
        let time = ControllerTime(clock)
        let seed = UInt64.random(in: 0 ... .max)
        let initial = configuration
        return await withDiscardingTaskGroup { group in
            var metrics = ControllerMetrics(stack: initial.stackKey, factory: metricsFactory)
            var machine = ControllerMachine(configuration: initial, seed: seed, sharesSlots: seat != nil)
            var calls = ControllerCalls(client: client, configuration: initial, time: time)
            var launches: [JobID: Task<LaunchOutcome, Never>] = [:]
            var launchLog = LaunchLog(logger)
            let notifier = notifier(in: &group)
            var events: [ControllerEvent] = [.begin(recovered: recovered)]
            var timer = WakeTimer(time) { [mailbox] in mailbox.wake() }
            var ending: Result<Void, StackControllerError>?
            questions.open()
            defer { questions.close() }
            while !Task.isCancelled {
                let now = time.now()
                for event in events {
                    switch event {
                    case .launcherEnded(let job, let outcome):
                        launches[job] = nil
                        if let time = launchLog.ended(job, outcome, at: now) { metrics.recordRun(time) }
                    case .configured(let configuration):
                        calls = ControllerCalls(client: client, configuration: configuration, time: time)
                    default: break
                    }
                }
                let actions = machine.step(events, at: now)
                let status = machine.status(at: now)
                metrics.record(status)
                published.publish(status, at: now, by: time, wakeAt: machine.wakeAt)
                questions.answer { machine.jobs(at: now) }
                var grant: SlotAllocation.Grant?
                for action in actions {
                    switch action {
                    case .reportSlots(let report): grant = seat?.report(report)
                    case .request(let request):
                        group.addTask(executorPreference: callExecutor) { [calls, mailbox] in
                            // A stack that is not registered cannot say anything.
                            if case .deregister = request { await notifier?.finish() }
                            mailbox.post(await calls.make(request))
                        }
                    case .notify(let job, let detail): await notifier?.post(job, detail)
                    case .launch(let job):
                        launchLog.launched(job.scheduled, at: now)
                        launches[job.id] = attend(job.id, in: &group) { [launcher, calls] in
                            .exited(try await launcher.launch(calls.givingDetails(to: job)))
                        }
                    case .follow(let job):
                        launchLog.followed(job, at: now)
                        launches[job] = attend(job, in: &group) { [launcher] in
                            try await launcher.follow(job).map { .exited($0) } ?? .notFollowed
                        }
                    case .stop(let job): launches[job]?.cancel()
                    case .log(let level, let message, let facts):
                        logger.log(level: level, "\(Self.shown(message))", metadata: facts.metadata)
                    case .logWait(let level, let message, let facts, let until):
                        let date = Date(timeIntervalSinceNow: (until - now) / .seconds(1))
                        let text = "\(Self.shown(message)), at \(ISO8601.text(date) ?? "\(date)")"
                        logger.log(level: level, "\(text)", metadata: facts.metadata)
                    case .measure(let interval, let duration): metrics.record(interval, duration)
                    case .failed(let call, let kind): metrics.countFailure(of: call, kind)
                    case .end(let error): ending = error.map { .failure($0) } ?? .success(())
                    }
                }
                logUndelivered(of: notifier)
                if ending != nil { break }
                if let grant {
                    events = [.slots(grant)]
                    continue
                }
                if let wakeAt = machine.wakeAt { timer.set(wakeAt, now: now) }
                events = await mailbox.next()
            }
            // What was cancelled waits for its launchers, which may take their time, and bids for no slot meanwhile.
            seat?.bidsNoMore(machine.shared.ledger)
            await timer.stop()
            if ending != nil { await notifier?.finish() }
            logUndelivered(of: notifier)
            // Ends what sends notices, and after a cancellation the launchers too; the group waits for them.
            group.cancelAll()
            return ending
        }
    }

    /// Logs what the controller is doing now, at the level `notice`: the line that ``Configuration/statusInterval``
    /// writes, for when somebody asks, with SIGUSR1 for example.
    public func logStatus() { logger.notice("\(Self.shown(status.summary))") }

    /// A message as a handler gets it. Rules, messages and names in it come from outside: none is given a line end of
    /// theirs.
    private static func shown(_ message: String) -> String {
        VisibleText.escaped(message, limit: 5 * VisibleText.lineLimit)
    }

    /// What sends the notices about jobs.
    private func notifier(in group: inout DiscardingTaskGroup) -> JobNotifier? {
        // Whether there are any to send can change.
        guard !initial.isDryRun else { return nil }
        return JobNotifier(client: client, stack: initial.stackKey, on: callExecutor, in: &group)
    }

    private func logUndelivered(of notifier: JobNotifier?) {
        guard let count = notifier?.takeUndelivered(), count > 0 else { return }
        logger.debug("\(count) notices could not be shown on jobs' pages")
    }

    /// Stays with the launcher of a job. The task has a handle, so that it can be stopped alone, and a child of the
    /// group waits for it and passes the group's cancellation on, so that it does not outlive the run.
    private func attend(
        _ id: JobID,
        in group: inout DiscardingTaskGroup,
        _ work: @escaping @Sendable () async throws -> LaunchOutcome
    ) -> Task<LaunchOutcome, Never> {
        let task = Task(executorPreference: LauncherExecutor.shared) {
            do {
                return try await work()
            } catch let error as StackControllerError {
                return .impossible(error.message)
            } catch let error as LauncherUnavailable {
                return .unavailable(error.message)
            } catch {
                return .failed("\(error)")
            }
        }
        group.addTask { [mailbox] in
            let outcome = await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }
            mailbox.post(.launcherEnded(id, outcome))
        }
        return task
    }
}
