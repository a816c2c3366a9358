#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Jobs that are added over time, as builds add them.
public struct SimulatedArrivals: Sendable {
    /// How the arrivals are spread.
    public enum Spread: String, Sendable, Hashable, CaseIterable {
        /// At equal distances.
        case even
        /// Independently of each other (a Poisson process), from the simulator's seed.
        case random
    }

    /// A kind of job among others.
    public struct Share: Sendable {
        /// How often it comes, compared with the others.
        public var weight: Double
        /// Its properties.
        public var template: SimulatedJob.Template

        /// Creates a kind of job.
        public init(weight: Double = 1, template: SimulatedJob.Template = .init()) {
            self.weight = weight
            self.template = template
        }
    }

    /// How many jobs arrive.
    public var count: Int
    /// How many arrive in a second on average, more than 0.
    public var rate: Double
    /// How they are spread. Evenly by default.
    public var spread = Spread.even
    /// The kinds of jobs, of which each one is chosen from the seed by its weight.
    public var mix: [Share] = [Share()]

    /// Creates arrivals.
    public init(count: Int, rate: Double) {
        self.count = count
        self.rate = rate
    }
}

extension StacksSimulator {
    /// Adds jobs over time. The first one comes after one distance, and each is scheduled at its time by the simulator's clock.
    ///
    /// - Returns: When the last one arrives, or `nil` when none does: there is no such queue or organization, the rate is not
    ///   above 0, or no kind of job has a weight.
    @discardableResult
    public func schedule(
        _ arrivals: SimulatedArrivals, queue: String = "_default", organization slug: String? = nil
    ) -> Date? {
        withState { state, now in
            guard let organization = state.organization(slug),
                let queue = state.queue(queue, organization: organization)
            else { return nil }
            let scheduling = state.schedule(arrivals, queue: queue, organization: organization, at: now)
            return if case .until(let last) = scheduling { last } else { nil }
        }
    }

    /// What became of jobs that were to arrive.
    package enum Scheduling: Sendable {
        /// The last one arrives at this time.
        case until(Date)
        /// There would be too many that are still to arrive, of which there are this many.
        case tooMany(pending: Int)
        /// The last one would arrive too late. It is this time now.
        case tooLate(now: Date)
        /// There is no such queue or organization, or the arrivals make no jobs.
        case impossible
    }

    /// Adds jobs over time, unless more than `limit` would then be still to arrive, or the last one would not arrive before
    /// `end`.
    package func schedule(
        _ arrivals: SimulatedArrivals, queue key: String, organization slug: String?, pendingAtMost limit: Int,
        before end: Date
    ) -> Scheduling {
        withState { state, now in
            guard let organization = state.organization(slug),
                let queue = state.queue(key, organization: organization)
            else { return .impossible }
            let pending = state.arrivals.count
            guard pending + arrivals.count <= limit else { return .tooMany(pending: pending) }
            return state.schedule(arrivals, queue: queue, organization: organization, at: now, before: end)
        }
    }

    /// How many jobs are still to arrive.
    public var pendingArrivals: Int { withState { state, _ in state.arrivals.count } }
}

/// The jobs that are still to arrive. A plan is added at the cost of its own jobs, however many others there are.
struct PendingArrivals: Sendable {
    /// A job that is still to arrive.
    struct Arrival: Sendable {
        var date: Date
        /// The index of its kind.
        var kind: Int
    }

    /// Jobs that are added together, at least one.
    struct Plan: Sendable {
        var queue: Int
        var organization: Int
        var kinds: [SimulatedJob.Template]
        /// In the order of their dates.
        var arrivals: [Arrival]
        /// The place of the next one.
        var next = 0
    }

    private struct Entry: Comparable, Sendable {
        var date: Date
        /// The number of the plan. Of the jobs of one instant, those of the plan that was added first come first.
        var plan: Int

        static func < (lhs: Entry, rhs: Entry) -> Bool { (lhs.date, lhs.plan) < (rhs.date, rhs.plan) }
    }

    private var plans: [Int: Plan] = [:]
    private var planCount = 0
    /// The next job of each plan.
    private var entries = Schedule<Entry>()
    private(set) var count = 0

    var nextDate: Date? { entries.first?.date }

    mutating func add(_ plan: Plan) {
        guard let first = plan.arrivals.first else { return }
        plans[planCount] = plan
        entries.insert(Entry(date: first.date, plan: planCount))
        planCount += 1
        count += plan.arrivals.count
    }

    /// Takes out the next job.
    mutating func removeFirst() -> (date: Date, template: SimulatedJob.Template, queue: Int, organization: Int)? {
        guard let entry = entries.first, let plan = plans[entry.plan] else { return nil }
        entries.removeFirst()
        let next = plan.next + 1
        plans[entry.plan]?.next = next
        if next < plan.arrivals.count {
            entries.insert(Entry(date: plan.arrivals[next].date, plan: entry.plan))
        } else {
            plans[entry.plan] = nil
        }
        count -= 1
        return (entry.date, plan.kinds[plan.arrivals[plan.next].kind], plan.queue, plan.organization)
    }
}

extension SimulatorState {
    mutating func schedule(
        _ wanted: SimulatedArrivals, queue: Int, organization: Int, at now: Date, before end: Date? = nil
    ) -> StacksSimulator.Scheduling {
        let mix = wanted.mix.filter { $0.weight > 0 }
        let weight = mix.reduce(0) { $0 + $1.weight }
        guard wanted.count > 0, wanted.rate > 0, weight > 0, weight.isFinite else { return .impossible }
        // What is refused leaves no trace in what comes from the seed.
        let chance = arrivalChance
        var seconds = 0.0
        var added: [PendingArrivals.Arrival] = []
        added.reserveCapacity(wanted.count)
        for number in 1...wanted.count {
            switch wanted.spread {
            case .even: seconds = Double(number) / wanted.rate
            case .random: seconds -= log(1 - arrivalChance.fraction()) / wanted.rate
            }
            var choice = arrivalChance.fraction() * weight
            let kind = mix.firstIndex { share in
                choice -= share.weight
                return choice < 0
            }
            added.append(.init(date: now.addingTimeInterval(seconds), kind: kind ?? mix.count - 1))
        }
        let last = now.addingTimeInterval(seconds)
        if let end, last >= end {
            arrivalChance = chance
            return .tooLate(now: now)
        }
        arrivals.add(
            .init(queue: queue, organization: organization, kinds: mix.map(\.template), arrivals: added))
        return .until(last)
    }

    /// Adds the job that arrives next.
    mutating func addNextArrival() {
        guard let next = arrivals.removeFirst() else { return }
        let build = Build(uuid: generator.uuid(), number: jobs.count + 1, pipeline: generator.uuid())
        _ = addJob(
            next.template, queue: next.queue, organization: next.organization, scheduledAt: next.date, now: next.date,
            build: build)
    }
}
