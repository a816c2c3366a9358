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
            return state.schedule(arrivals, queue: queue, organization: organization, at: now)
        }
    }

    /// How many jobs are still to arrive.
    public var pendingArrivals: Int { withState { state, _ in state.arrivals.count } }
}

/// A job that is still to arrive.
struct PendingArrival {
    var date: Date
    var template: SimulatedJob.Template
    var queue: Int
    var organization: Int
}

extension SimulatorState {
    fileprivate mutating func schedule(
        _ wanted: SimulatedArrivals, queue: Int, organization: Int, at now: Date
    ) -> Date? {
        let mix = wanted.mix.filter { $0.weight > 0 }
        let weight = mix.reduce(0) { $0 + $1.weight }
        guard wanted.count > 0, wanted.rate > 0, weight > 0, weight.isFinite else { return nil }
        var seconds = 0.0
        var added: [PendingArrival] = []
        for number in 1...wanted.count {
            switch wanted.spread {
            case .even: seconds = Double(number) / wanted.rate
            case .random: seconds -= log(1 - arrivalChance.fraction()) / wanted.rate
            }
            var choice = arrivalChance.fraction() * weight
            let share = mix.first { share in
                choice -= share.weight
                return choice < 0
            }
            added.append(
                PendingArrival(
                    date: now.addingTimeInterval(seconds), template: (share ?? mix[mix.count - 1]).template,
                    queue: queue,
                    organization: organization))
        }
        let last = added.last?.date
        // The next one is the last, so that it is taken out without moving the others.
        arrivals = (arrivals.reversed() + added).enumerated()
            .sorted { ($0.element.date, $0.offset) < ($1.element.date, $1.offset) }.map(\.element)
            .reversed()
        return last
    }

    /// Adds the jobs that have arrived.
    mutating func addArrivals(at now: Date) {
        while let next = arrivals.last, next.date <= now {
            arrivals.removeLast()
            let build = Build(uuid: generator.uuid(), number: jobs.count + 1, pipeline: generator.uuid())
            _ = addJob(
                next.template, queue: next.queue, organization: next.organization, scheduledAt: next.date,
                now: next.date, build: build)
        }
    }
}
