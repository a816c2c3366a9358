import Foundation
import StacksTesting
import Testing

@Suite("Jobs that arrive over time")
struct ArrivalTests {
    @Test("they come evenly, each at its time, when the clock has reached it")
    func even() throws {
        let scenario = try Scenario.registered()
        let start = scenario.clock.date
        #expect(scenario.simulator.schedule(SimulatedArrivals(count: 4, rate: 2)) == start + 2)
        #expect(try scenario.listed().isEmpty && scenario.simulator.pendingArrivals == 4)
        scenario.clock.advance(by: .milliseconds(499))
        #expect(try scenario.listed().isEmpty)
        scenario.clock.advance(by: .milliseconds(1))
        #expect(try scenario.listed().count == 1)
        scenario.clock.advance(by: .seconds(60))
        let jobs = scenario.simulator.jobs()
        #expect(jobs.map(\.listing.scheduledAt) == [start + 0.5, start + 1, start + 1.5, start + 2])
        #expect(jobs.map(\.createdAt) == jobs.compactMap(\.listing.scheduledAt))
        #expect(try scenario.listed() == jobs.map(\.id) && scenario.simulator.pendingArrivals == 0)
    }

    @Test("what would arrive too late is refused, and nothing of it stays")
    func tooLate() throws {
        func ids(afterRefusal isRefused: Bool) -> [String] {
            let scenario = Scenario()
            let start = scenario.clock.date
            var arrivals = SimulatedArrivals(count: 10, rate: 1)
            arrivals.spread = .random
            if isRefused {
                let scheduling = scenario.simulator.schedule(
                    arrivals, queue: "_default", organization: nil, pendingAtMost: 10, before: start)
                guard case .tooLate(let now) = scheduling else {
                    Issue.record("\(scheduling)")
                    return []
                }
                #expect(now == start && scenario.simulator.pendingArrivals == 0)
            }
            scenario.simulator.schedule(arrivals)
            scenario.clock.advance(by: .seconds(3600))
            return scenario.simulator.jobs().map { "\($0.id) \($0.createdAt.timeIntervalSince(start))" }
        }
        #expect(ids(afterRefusal: true) == ids(afterRefusal: false))
    }

    @Test("two plans are merged by time")
    func merged() throws {
        let scenario = Scenario { $0.organizations[0].queues = ["mac", "linux"] }
        scenario.simulator.schedule(SimulatedArrivals(count: 3, rate: 1), queue: "mac")
        scenario.simulator.schedule(SimulatedArrivals(count: 2, rate: 0.8), queue: "linux")
        scenario.clock.advance(by: .seconds(60))
        #expect(scenario.simulator.jobs().map(\.queue) == ["mac", "linux", "mac", "linux", "mac"])
    }

    /// The times and priorities of a random plan.
    private func plan(seed: UInt64) -> [(offset: TimeInterval, priority: Int)] {
        let scenario = Scenario { $0.seed = seed }
        var arrivals = SimulatedArrivals(count: 1000, rate: 10)
        arrivals.spread = .random
        var urgent = SimulatedJob.Template()
        urgent.priority = 9
        arrivals.mix = [
            .init(weight: 3), .init(weight: 1, template: urgent), .init(weight: 0, template: .init()),
        ]
        scenario.simulator.schedule(arrivals)
        let start = scenario.clock.date
        scenario.clock.advance(by: .seconds(3600))
        return scenario.simulator.jobs().map {
            ($0.createdAt.timeIntervalSince(start), $0.listing.priority)
        }
    }

    @Test("a random plan has the rate and the mix, and comes from the seed")
    func random() throws {
        let first = plan(seed: 1)
        #expect(first.count == 1000)
        let last = try #require(first.last?.offset)
        #expect(80..<120 ~= last, "\(last)")
        let urgent = first.count { $0.priority == 9 }
        #expect(200..<300 ~= urgent, "\(urgent)")
        let distances = zip(first.dropFirst(), first).map { $0.offset - $1.offset }
        #expect(distances.allSatisfy { $0 >= 0 })
        // Half of the distances of a Poisson process are below 0.69 of the mean.
        #expect(430..<570 ~= distances.count { $0 < 0.0693 })
        #expect(plan(seed: 1).map(\.offset) == first.map(\.offset))
        #expect(plan(seed: 2).map(\.offset) != first.map(\.offset))
    }

    @Test("a plan changes no UUID of jobs that are added otherwise before it comes")
    func separate() {
        let (with, without) = (Scenario(), Scenario())
        var arrivals = SimulatedArrivals(count: 10, rate: 1)
        arrivals.spread = .random
        with.simulator.schedule(arrivals)
        #expect(with.simulator.addJobs(3) == without.simulator.addJobs(3))
    }

    @Test("what makes no job makes no plan, and a reset ends one")
    func none() {
        let scenario = Scenario()
        for (count, rate) in [(0, 1.0), (1, 0), (1, -1), (1, .nan)] {
            #expect(scenario.simulator.schedule(SimulatedArrivals(count: count, rate: rate)) == nil)
        }
        var weightless = SimulatedArrivals(count: 1, rate: 1)
        weightless.mix = [.init(weight: 0)]
        #expect(scenario.simulator.schedule(weightless) == nil)
        #expect(scenario.simulator.schedule(SimulatedArrivals(count: 1, rate: 1), queue: "none") == nil)
        scenario.simulator.schedule(SimulatedArrivals(count: 5, rate: 1))
        scenario.simulator.reset()
        scenario.clock.advance(by: .seconds(60))
        #expect(scenario.simulator.jobs().isEmpty)
    }
}
