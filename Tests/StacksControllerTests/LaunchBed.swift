import Logging

@testable import StacksAPI
@testable import StacksController

/// A Buildkite that does everything right, and launchers that do what the test says, around a machine in virtual time.
struct LaunchBed {
    /// What becomes of a launch.
    enum Fate {
        /// It ends before an agent has taken the job.
        case ends(LaunchOutcome, after: Duration)
        /// An agent takes the job, and has finished it some time later.
        case runs(after: Duration = .milliseconds(300), for: Duration = .seconds(20))
        /// No agent comes, and it ends when it is told to.
        case hangs
        /// No agent comes, and it ignores that it is told to end.
        case isUnresponsive

        /// The launcher's command ends with status 1 at once.
        static let fails = Fate.ends(.exited(JobExit(status: 1)), after: .milliseconds(100))
    }

    var driver: MachineDriver
    /// What the next launches come to.
    var fate: (JobID) -> Fate
    private(set) var states: [JobID: JobState] = [:]
    private(set) var order: [ScheduledJob] = []

    private(set) var launches: [(id: JobID, at: Duration)] = []
    private(set) var failed: [JobID: String] = [:]
    private(set) var givenBack: [JobID] = []
    private(set) var notices: [(id: JobID, text: String)] = []
    private(set) var lines: [(level: Logger.Level, message: String)] = []
    private(set) var error: StackControllerError?
    /// What comes to launchers and jobs, and when.
    private var coming: [(at: Duration, event: Coming)] = []

    private enum Coming {
        case launcherEnds(JobID, LaunchOutcome)
        case becomes(JobID, JobState)
    }

    init(
        _ jobs: [ScheduledJob], capacity: Int = 10, fate: @escaping (JobID) -> Fate,
        configure: (inout StackController.Configuration) -> Void = { _ in }
    ) {
        driver = MachineDriver(capacity: capacity, configure: configure)
        self.fate = fate
        add(jobs)
        handle(driver.happens(.begin(recovered: [])))
    }

    var now: Duration { driver.now }
    var status: ControllerStatus { driver.machine.status(at: now) }
    var idleReason: ControllerStatus.IdleReason? { status.idleReason }
    var hasEnded: Bool { driver.machine.phase == .ended }

    func count(_ state: JobState) -> Int { states.values.count { $0 == state } }

    func logged(_ text: String, at level: Logger.Level) -> Int {
        lines.count { $0.level == level && $0.message.contains(text) }
    }

    mutating func add(_ jobs: [ScheduledJob]) {
        order += jobs
        for job in jobs { states[job.id] = .scheduled }
    }

    mutating func drain() { handle(driver.happens(.drain)) }

    /// Lets time pass until the condition holds, and returns whether it does.
    @discardableResult
    mutating func run(for time: Duration, until condition: (Self) -> Bool = { _ in false }) -> Bool {
        let end = now + time
        while now < end, !hasEnded {
            if condition(self) { return true }
            handle(driver.passes(.milliseconds(100)))
            changeStates()
            let now = now
            let due = coming.filter { $0.at <= now }
            coming.removeAll { $0.at <= now }
            for case (_, .launcherEnds(let id, let outcome)) in due {
                handle(driver.happens(.launcherEnded(id, outcome)))
            }
        }
        return condition(self)
    }

    /// What becomes of jobs by itself, up to now.
    private mutating func changeStates() {
        for case (let time, .becomes(let id, let state)) in coming where time <= driver.now { states[id] = state }
        let now = driver.now
        coming.removeAll { change in
            if case .becomes = change.event { change.at <= now } else { false }
        }
    }

    private mutating func handle(_ wishes: Wishes) {
        lines += wishes.lines
        notices += wishes.notices
        for action in wishes.all {
            switch action {
            case .request(let request): handle(driver.happens(serve(request)))
            case .launch(let job): launch(job.id)
            case .stop(let id):
                guard case .hangs = fate(id) else { continue }
                coming.append((now, .launcherEnds(id, .failed("cancelled"))))
            case .end(let error): self.error = error
            default: break
            }
        }
    }

    private mutating func launch(_ id: JobID) {
        launches.append((id, now))
        switch fate(id) {
        case .ends(let outcome, let time): coming.append((now + time, .launcherEnds(id, outcome)))
        case .runs(let start, let length):
            coming.append((now + start, .becomes(id, .running)))
            coming.append((now + start + length, .becomes(id, .finished)))
            coming.append((now + start + length, .launcherEnds(id, .exited(.success))))
        case .hangs, .isUnresponsive: break
        }
    }

    private mutating func serve(_ request: ControllerRequest) -> ControllerEvent {
        changeStates()
        switch request {
        case .register: return .registered(.success(MachineDriver.stack()))
        case .poll(let limit, _):
            let listed = order.filter { states[$0.id] == .scheduled }
            let page = MachineDriver.page(Array(listed.prefix(limit)), next: listed.count > limit ? "more" : nil)
            return .polled(.success(page))
        case .reserve(let ids):
            for id in ids { states[id] = .reserved }
            return .reserved(asked: ids, .success(Reservation(reserved: ids, notReserved: [])))
        case .renew(let ids):
            let ours = ids.filter { states[$0] == .reserved }
            return .renewed(
                asked: ids, .success(Reservation(reserved: ours, notReserved: ids.filter { !ours.contains($0) })))
        case .giveBack(let ids):
            givenBack += ids
            for id in ids { coming.append((now + .seconds(1), .becomes(id, .scheduled))) }
            return .gaveBack(ids, nil)
        case .issueTokens(let ids):
            let tokens = ids.map { JobAcquisitionToken(job: $0, token: Secret("bkjat_\($0)")) }
            return .tokens(asked: ids, .success(JobAcquisitionTokens(issued: tokens, notIssued: [])))
        case .queryStates(let query):
            let known = query.jobs.map { ($0, states[$0] ?? .scheduled) }
            return .states(query, .success(JobStates(states: Dictionary(uniqueKeysWithValues: known))))
        case .finish(let id, _, let detail, _):
            failed[id] = detail
            states[id] = .finished
            return .finished(id, nil)
        case .deregister: return .deregistered(nil)
        }
    }
}
