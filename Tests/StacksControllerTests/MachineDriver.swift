import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

/// Plays the outside world to a machine in virtual time: the test says what happens, and sees what the machine wants.
struct MachineDriver {
    var machine: ControllerMachine
    private(set) var now: Duration = .zero

    init(
        capacity: Int = 10,
        tags: [String: TagValues] = [:],
        queue: QueueKey = "builds",
        sharesSlots: Bool = false,
        configure: (inout StackController.Configuration) -> Void = { _ in }
    ) {
        var configuration = StackController.Configuration(stackKey: "stack", queue: queue)
        configuration.maximumInFlight = capacity
        configuration.tags = tags
        configuration.statusInterval = nil
        configure(&configuration)
        machine = ControllerMachine(configuration: configuration, seed: 1, sharesSlots: sharesSlots)
    }

    /// A driver whose machine is registered and has its first poll out.
    static func running(
        capacity: Int = 10,
        tags: [String: TagValues] = [:],
        configure: (inout StackController.Configuration) -> Void = { _ in }
    ) -> MachineDriver {
        var driver = MachineDriver(capacity: capacity, tags: tags, configure: configure)
        _ = driver.happens(.begin(recovered: []))
        _ = driver.happens(.registered(.success(stack())))
        return driver
    }

    static func stack(queue: QueueKey? = "builds") -> Stack {
        Stack(
            id: "1",
            organizationUUID: "2",
            clusterQueueKey: queue,
            key: "stack",
            type: .custom,
            metadata: [:],
            lastConnectedOn: nil,
            state: .connected
        )
    }

    mutating func happens(_ events: ControllerEvent...) -> Wishes {
        Wishes(machine.step(events, at: now))
    }

    /// Lets time pass; the machine is stepped whenever it wants to be.
    mutating func passes(_ time: Duration) -> Wishes {
        let end = now + time
        var all: [ControllerAction] = []
        while let wakeAt = machine.wakeAt, wakeAt <= end {
            now = max(now, wakeAt)
            let actions = machine.step([], at: now)
            all += actions
            if actions.isEmpty, let next = machine.wakeAt, next <= now {
                Issue.record("The machine wants to be woken at \(next), which does nothing at \(now): it would spin")
                break
            }
        }
        now = end
        return Wishes(all)
    }

    /// Lets time pass until a poll is wanted.
    mutating func waitsForPoll() {
        for _ in 0..<10_000 where !passes(.milliseconds(100)).polls.isEmpty { return }
        Issue.record("No poll is wanted")
    }

    /// Answers a poll with these jobs, on one page.
    mutating func polls(_ jobs: [ScheduledJob], isPaused: Bool = false, next cursor: String? = nil) -> Wishes {
        happens(.polled(.success(Self.page(jobs, isPaused: isPaused, next: cursor))))
    }

    static func page(
        _ jobs: [ScheduledJob],
        isPaused: Bool = false,
        next cursor: String? = nil,
        queue: ClusterQueueID? = nil
    ) -> ScheduledJobsPage {
        ScheduledJobsPage(
            jobs: jobs,
            pageInfo: .init(hasNextPage: cursor != nil, endCursor: cursor),
            clusterQueue: .init(id: queue, isDispatchPaused: isPaused)
        )
    }

    /// Sets the clock, ahead or back.
    mutating func jumps(to time: Duration) { now = time }

    /// Answers that all of these are reserved.
    mutating func reserves(_ ids: [JobID]) -> Wishes {
        happens(.reserved(asked: ids, .success(Reservation(reserved: ids, notReserved: []))))
    }

    /// Answers with a token for each of these.
    mutating func issues(_ ids: [JobID]) -> Wishes {
        let tokens = ids.map { JobAcquisitionToken(job: $0, token: Secret("bkjat_\($0)")) }
        return happens(.tokens(asked: ids, .success(JobAcquisitionTokens(issued: tokens, notIssued: []))))
    }

    /// Takes a job from the list to its launcher.
    mutating func launches(_ jobs: [ScheduledJob]) {
        let ids = jobs.map(\.id)
        _ = polls(jobs)
        _ = reserves(ids)
        let launched = issues(ids).launched
        #expect(Set(launched) == Set(ids))
    }

    /// Answers a question for states.
    mutating func says(_ states: [JobID: JobState], to query: StateQuery) -> Wishes {
        happens(.states(query, .success(JobStates(states: states))))
    }
}

/// What a machine wanted, by kind.
struct Wishes {
    let all: [ControllerAction]

    init(_ all: [ControllerAction]) { self.all = all }

    private func pick<Value>(_ choose: (ControllerAction) -> Value?) -> [Value] { all.compactMap(choose) }

    var registers: Int { pick { if case .request(.register) = $0 { true } else { nil } }.count }
    var deregisters: Int { pick { if case .request(.deregister) = $0 { true } else { nil } }.count }
    var polls: [(limit: Int, after: String?)] {
        pick { if case .request(.poll(let limit, let after)) = $0 { (limit, after) } else { nil } }
    }
    var reserved: [[JobID]] { pick { if case .request(.reserve(let ids)) = $0 { ids } else { nil } } }
    var renewed: [[JobID]] { pick { if case .request(.renew(let ids)) = $0 { ids } else { nil } } }
    var givenBack: [[JobID]] { pick { if case .request(.giveBack(let ids)) = $0 { ids } else { nil } } }
    var tokens: [[JobID]] { pick { if case .request(.issueTokens(let ids)) = $0 { ids } else { nil } } }
    var launched: [JobID] { pick { if case .launch(let job) = $0 { job.id } else { nil } } }
    var followed: [JobID] { pick { if case .follow(let id) = $0 { id } else { nil } } }
    var stopped: [JobID] { pick { if case .stop(let id) = $0 { id } else { nil } } }
    var queries: [StateQuery] { pick { if case .request(.queryStates(let query)) = $0 { query } else { nil } } }
    var finishes: [(id: JobID, status: Int, detail: String)] {
        pick { if case .request(.finish(let id, let status, let detail, _)) = $0 { (id, status, detail) } else { nil } }
    }
    var notices: [(id: JobID, text: String)] {
        pick { if case .notify(let id, let text) = $0 { (id, text) } else { nil } }
    }
    var slotReports: [SlotAllocation.Report] {
        pick { if case .reportSlots(let report) = $0 { report } else { nil } }
    }
    var hasEnded: Bool { !pick { if case .end = $0 { true } else { nil } }.isEmpty }
    var error: StackControllerError? { pick { if case .end(let error) = $0 { error } else { nil } }.first }
    func logged(_ text: String) -> Int {
        lines.count { $0.message.contains(text) }
    }
    func logged(_ text: String, at level: Logger.Level) -> Int {
        lines.count { $0.level == level && $0.message.contains(text) }
    }
    var lines: [(level: Logger.Level, message: String)] {
        pick { action in
            switch action {
            case .log(let level, let message, _), .logWait(let level, let message, _, _): (level, message)
            default: nil
            }
        }
    }
    /// Until when it is waited, as the log has it.
    var waits: [Duration] { pick { if case .logWait(_, _, _, let until) = $0 { until } else { nil } } }
    /// What reaches Buildkite or a launcher: everything but log lines.
    var isQuiet: Bool {
        all.allSatisfy { action in
            switch action {
            case .log, .logWait, .measure, .failed, .notify, .reportSlots: true
            default: false
            }
        }
    }
}

extension ScheduledJob {
    static func number(_ number: Int, priority: Int = 0, rules: [String] = []) -> ScheduledJob {
        let digits = String(number)
        let id = "00000000-0000-7000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
        return ScheduledJob(id: JobID(id), priority: priority, agentQueryRules: rules)
    }

    static func numbers(_ range: Range<Int>) -> [ScheduledJob] { range.map { number($0) } }
}

extension CallFailure {
    static let lost = CallFailure(.transient, message: "connection reset")
    static let unauthorized = CallFailure(.unauthorized, message: "invalid token")
    static let notFound = CallFailure(.notFound, message: "no stack found")
}

/// What tests look at.
extension ControllerMachine {
    var ledger: JobLedger { shared.ledger }
    var totals: ControllerStatus.Totals { shared.totals }
    var phase: ControllerStatus.Phase { shared.phase }
    var fatal: StackControllerError? { shared.fatal }
    var backlog: Backlog { polling.backlog }
    var freeSlots: Int { launcher.usable(shared.freeSlots, shared.ledger) }
    var startTrouble: LauncherTrouble? { launcher.trouble }
    var pastTrouble: LauncherTrouble? { launcher.pastTrouble?.trouble }
    var reregistrations: [Duration] { registration.repetitions }
    var jitter: Jitter {
        get { shared.jitter }
        set { shared.jitter = newValue }
    }
}
