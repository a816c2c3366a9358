@testable import StacksAPI
@testable import StacksController

/// A Buildkite, its network and its agents in virtual time, all of them moody: the seed decides what is slow, what is
/// lost, what fails, what people do, and when the controller dies and is started again. After every step it is checked
/// that nothing is launched twice.
struct RandomWorld {
    var random: Jitter
    var driver: MachineDriver
    /// Who comes between the two now.
    var interferences: Set<Interference> = []
    /// How many did so far.
    var interferenceCount = 0
    /// When the controller last wanted to poll or to register.
    private var lastAsked: Duration = .zero
    var now: Duration = .zero
    var jobs: [JobID: ServerJob] = [:]
    var order: [JobID] = []
    var agents: Set<JobID> = []
    var stopped: Set<JobID> = []
    /// Agents of a controller that died, which its successor cannot follow.
    var survivors: Set<JobID> = []
    /// Agents that a successor follows: it is told when they end.
    var followed: Set<JobID> = []
    /// Jobs whose last launch could start nothing.
    var unstarted: Set<JobID> = []
    var isExhausted = false
    var isBroken = false
    /// How many jobs may be failed while the launcher is broken, and how many were: a broken launcher empties no queue.
    var mayFail = 0
    var failedWhileBroken = 0
    /// Launches that ended because the launcher was broken.
    private(set) var broken = 0
    /// No reservation runs out before this time.
    var nextExpiry = Duration.seconds(Int64.max)
    var isPaused = false
    var isRegistered = false
    /// Which controller it is: the answers to one that died reach nobody.
    private(set) var life = 0
    /// Which controller sent what the server is doing.
    private(set) var sender = 0
    /// Whether nothing reaches the server.
    var isDark = false
    /// How many jobs have yet to appear, and deaths to happen.
    private var fates = 0
    /// What is to come, the next last.
    private var happenings: [(time: Duration, what: Happening, life: Int)] = []
    /// What its controllers are told: how many slots, and what else can change.
    var settings: Settings
    /// How many jobs may be in flight: those that were when the number of slots became smaller, until they have ended.
    var bound: Int
    /// What went wrong, and the whole story when something did.
    var violations: [String] = []
    /// What this controller has said on jobs' pages.
    var notices: [JobID: [String]] = [:]
    private(set) var ended = false

    private(set) var launches = 0
    private(set) var restarts = 0
    /// Launches that could start nothing.
    private(set) var vain = 0
    /// What happened, line by line, when it is wanted.
    private(set) var story: [String]?

    /// How often a call is lost or refused; every call has a chance of its own.
    let unreliability: Double
    /// How often a response is empty, late, doubled, behind, or at odds with another; none is in a third of the worlds.
    let oddity: Double
    /// Whether agents go on when their controller dies.
    let agentsSurvive: Bool
    /// How many agents the machine can hold, whatever the controller's slots are: descriptors and processes run out.
    private let room: Int
    /// Whether the next controller can follow them.
    let agentsAreFollowed: Bool

    /// What gives it its slots, if it shares them with others.
    private let pool: SharedSlots?
    var isDraining = false

    init(seed: UInt64, keepsStory: Bool = false, pool: SharedSlots? = nil) {
        self.pool = pool
        story = keepsStory ? [] : nil
        random = Jitter(seed: seed)
        settings = Settings(capacity: Int(random.next(in: 1..<30)))
        bound = settings.capacity
        unreliability = random.next(in: 0..<0.4)
        oddity = max(0, random.next(in: -0.2..<0.4))
        agentsSurvive = random.next(in: 0..<1) < 0.5
        let canFollow = random.next(in: 0..<1) < 0.5
        agentsAreFollowed = agentsSurvive && canFollow
        room = random.next(in: 0..<1) < 0.2 ? Int(random.next(in: 3..<9)) : .max
        driver = settings.driver(sharesSlots: pool != nil)
        pool?.restart(most: settings.capacity)
        driver.machine.jitter = Jitter(seed: seed &+ 1)
        for number in 0..<Int(random.next(in: 1..<80)) {
            let rules = number % 3 == 0 ? [Settings.rule] : []
            let job = ScheduledJob.number(number, priority: Int(random.next(in: -2..<3)), rules: rules)
            after(0..<60, .jobAppears(job))
            if random.next(in: 0..<1) < 0.15 { after(0..<90, .isCancelled(job.id)) }
        }
        if random.next(in: 0..<1) < 0.3 {
            after(0..<60, .isPaused(true))
            after(60..<120, .isPaused(false))
        }
        if random.next(in: 0..<1) < 0.2 { after(5..<90, .stackIsForgotten) }
        if random.next(in: 0..<1) < 0.25 {
            after(0..<60, .isExhausted(true))
            after(60..<200, .isExhausted(false))
        }
        if random.next(in: 0..<1) < 0.3 {
            after(0..<60, .isBroken(true))
            after(60..<600, .isBroken(false))
        }
        while random.next(in: 0..<1) < 0.4 { after(1..<200, .controllerDies) }
        if oddity > 0 { prepareOddities() }
        for (begin, length, what) in Self.interferences(&random) {
            after(begin..<(begin + 1), .interferenceBegins(what))
            after((begin + length)..<(begin + length + 1), .interferenceEnds(what))
        }
    }

    /// Lets something happen in so many seconds. `recipient` is the life of the controller that it is for: this one by
    /// default.
    mutating func after(_ seconds: Range<Double>, _ what: Happening, for recipient: Int? = nil) {
        if Self.isFate(what) { fates += 1 }
        let time = now + .seconds(1) * random.next(in: seconds)
        var (low, high) = (0, happenings.count)
        while low < high {
            let middle = (low + high) / 2
            if happenings[middle].time > time { low = middle + 1 } else { high = middle }
        }
        happenings.insert((time, what, recipient ?? life), at: low)
    }

    mutating func pick(_ range: Range<Double>) -> Double { random.next(in: range) }

    mutating func chance(_ probability: Double) -> Bool { random.next(in: 0..<1) < probability }

    /// Lets everything happen until every job is over, then drains; gives up after two hours of virtual time.
    mutating func run() {
        begin()
        while isGoingOn { proceed() }
        conclude()
    }

    var isGoingOn: Bool { !ended && now < .seconds(7200) && violations.isEmpty }

    /// When something happens next.
    var nextTime: Duration {
        let times = [happenings.last?.time, driver.machine.wakeAt].compactMap { $0 }
        return max(now, times.min() ?? now)
    }

    mutating func begin() { step([.begin(recovered: [])]) }

    /// Lets the next thing happen.
    mutating func proceed() {
        if fates == 0, !isDraining, jobs.values.allSatisfy({ $0.state.isTerminal }), agents.isEmpty {
            isDraining = true
            return step([.drain])
        }
        let next = happenings.last?.time
        let wakeAt = driver.machine.wakeAt
        if let next, next <= wakeAt ?? next, let happening = happenings.popLast() {
            now = max(now, happening.time)
            if Self.isFate(happening.what) { fates -= 1 }
            sender = happening.life
            if case .isRepeated = happening.what, happening.life != life { return }
            if case .isDelivered(let event) = happening.what, happening.life != life {
                // The launcher of a dead controller, and answers to it. An agent that survived ends all the same,
                // and a successor that follows it sees how.
                guard case .launcherEnded(let id, let outcome) = event else { return }
                if followed.contains(id) {
                    tell(Self.describe(happening.what))
                    happens(.isDelivered(.launcherEnded(id, outcome)))
                } else {
                    agents.remove(id)
                }
                return
            }
            tell(Self.describe(happening.what))
            happens(happening.what)
        } else if let wakeAt {
            now = max(now, wakeAt)
            step([])
        } else {
            violations.append("nothing happens any more at \(now)")
        }
    }

    mutating func conclude() {
        if !ended {
            violations.append("it did not end; \(jobs.values.count { !$0.state.isTerminal }) jobs are not over")
        }
    }

    /// The pool has something for it.
    mutating func isCalled(at time: Duration) {
        guard !ended else { return }
        now = max(now, time)
        step([.slotsCall])
    }

    /// How many slots its controller holds taken.
    var occupied: Int { ended ? 0 : driver.machine.ledger.occupied }

    mutating func step(_ events: [ControllerEvent]) {
        var answer: SlotAllocation.Grant?
        for action in driver.machine.step(events, at: now) {
            switch action {
            case .reportSlots(let report): answer = pool?.report(report)
            case .log(let level, let message, let facts):
                tell("  \(level) \(message) \(facts.job.map(String.init(describing:)) ?? "")")
            case .logWait(let level, let message, _, let until):
                tell("  \(level) \(message) until \(until)")
                if until - now > .seconds(300) { violations.append("it waits until \(until), at \(now)") }
            case .measure, .failed: break
            case .notify(let id, let text):
                notices[id, default: []].append(text)
                if notices[id, default: []].count > Notices.maximumPerJob || text.unicodeScalars.count > 256 {
                    violations.append("too much is said about \(id): \(text)")
                }
            case .end(let error):
                ended = true
                if let error { violations.append("it ended by itself: \(error.message)") }
            case .launch(let job): launch(job.id)
            case .follow(let id):
                // One that cannot be followed says so at once; the end of one that is comes from its agent.
                if !agentsAreFollowed { after(0..<0.1, .isNotFollowed(id)) }
            case .stop(let id):
                if !stopped.insert(id).inserted { violations.append("\(id) is stopped twice") }
                if agents.contains(id), let job = jobs[id], job.state.isWithAgent, job.holder != Self.anotherStack {
                    violations.append("\(id) is stopped although its agent works")
                }
                if agents.contains(id) { after(0..<2, .agentEnds(id)) }
            case .request(let request): send(request)
            }
        }
        if ended { pool?.leave() }
        if let answer { step([.slots(answer)]) }
        // Two waits of five minutes at most, one after the other, and what is on its way.
        if driver.machine.phase == .running, now - lastAsked > .seconds(700) {
            violations.append("it has not asked since \(lastAsked), at \(now)")
        }
        // Of an agent that it did not start itself a controller learns the end from Buildkite, a little before it ends.
        let working = agents.count { !survivors.contains($0) || jobs[$0]?.state.isTerminal != true }
        if working > bound { violations.append("\(working) agents for \(bound) slots") }
        if driver.machine.ledger.occupied > bound { violations.append("more slots taken than there are") }
        if nextExpiry <= now { expire() }
        let held = jobs.filter { $0.value.state == .reserved && $0.value.holder == life && !agents.contains($0.key) }
            .keys
        if held.count + working > bound {
            let unknown = held.filter { !driver.machine.ledger.contains($0) }
            violations.append("\(held.count) jobs reserved and \(working) agents for \(bound) slots: \(unknown)")
        }
        bound = max(settings.capacity, min(bound, max(driver.machine.ledger.occupied, held.count + working)))
    }

    /// Some requests take their time. What may not take so long is given up by whoever sent it.
    private mutating func send(_ action: ControllerRequest) {
        switch action {
        case .poll, .register: lastAsked = now
        case .reserve(let ids): checkMatches(ids)
        default: break
        }
        let delay = pick(chance(oddity * 0.1) ? 0..<20 : 0..<0.2)
        if case .finish(_, _, _, let time) = action, .seconds(1) * delay > time {
            return after(0..<1, .isDelivered(Self.failure(of: action, Self.unavailable)))
        }
        after(delay..<(delay + 0.001), .arrives(action))
    }

    private mutating func launch(_ id: JobID) {
        launches += 1
        if isDraining { violations.append("\(id) is launched by a controller that takes no further jobs") }
        let canStart = !isExhausted && agents.count < room
        survivors.remove(id)
        followed.remove(id)
        if !agents.insert(id).inserted { violations.append("\(id) is launched twice") }
        stopped.remove(id)
        unstarted.remove(id)
        if !canStart {
            vain += 1
            unstarted.insert(id)
            after(0..<0.5, .isDelivered(.launcherEnded(id, .unavailable("no process can be made"))))
        } else if isBroken {
            broken += 1
            after(0..<3, .isDelivered(.launcherEnded(id, .exited(JobExit(status: 1)))))
        } else if chance(0.1) {
            after(0..<3, .isDelivered(.launcherEnded(id, .failed("no disk left"))))
        } else {
            after(0..<12, .agentComes(id))
        }
    }

    mutating func become(_ state: JobState, _ id: JobID) {
        guard let job = jobs[id], job.state != state else { return }
        jobs[id]?.before = job.state
        jobs[id]?.state = state
    }

    /// The controller is gone, and another one comes. What it had sent arrives; what it would have been told does not.
    mutating func restart() {
        guard !ended else { return }
        restarts += 1
        if !agentsSurvive {
            for id in agents.sorted() {
                // Buildkite notices after a while that an agent is lost. Of the others the reservation runs out.
                if jobs[id]?.state == .running || jobs[id]?.state == .canceling { after(30..<60, .agentIsLost(id)) }
            }
            agents = []
        }
        stopped = []
        survivors = agentsAreFollowed ? [] : agents
        followed = agentsAreFollowed ? agents : []
        life += 1
        // One that is not followed is over for a controller as soon as it seems so.
        for id in jobs.keys { jobs[id]?.shownAs = nil }
        notices = [:]
        isDraining = false
        driver = settings.driver(sharesSlots: pool != nil)
        pool?.restart(most: settings.capacity)
        driver.machine.jitter = Jitter(seed: UInt64(restarts) &* 0x9e37_79b9)
        driver.jumps(to: now)
        // What it had counted is forgotten with it.
        mayFail += 3 + agents.count
        step([.begin(recovered: agents.sorted())])
    }

    private mutating func tell(_ line: @autoclosure () -> String) {
        if story != nil { story?.append("\(now) \(line())") }
    }
}
