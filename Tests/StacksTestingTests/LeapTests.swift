import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("A leap of the clock and many small steps")
struct LeapTests {
    private struct Job: Equatable {
        var id: String
        var listing: SimulatedJob.Listing
        var history: [SimulatedJob.Event]
        var log: String
        var headerTimes: [String: String]
        var agent: String?
        var numbers: [Int?]

        init(_ job: SimulatedJob) {
            (id, listing, history, log) = (job.id, job.listing, job.history, job.log)
            (headerTimes, agent) = (job.headerTimes, job.agent)
            numbers = [job.exitStatus, job.launches, job.starts, job.finishes]
        }
    }

    /// All that can be seen of a simulator.
    private struct World: Equatable {
        var jobs: [Job]
        var moved: [String]
        var agents: [RegisteredAgent]
        var requests: [SimulatedRequest]
        var counts: [SimulatedJob.State: Int]
        var checks: [SimulatorCheck]
        var next: [String]
    }

    /// Plays a world from a seed: jobs of all kinds, some of which arrive, reservations that expire, agents that are lost,
    /// played ones and those that register. Then half an hour passes twice, in so many steps each, with requests after it.
    private func world(seed: UInt64, steps: Int) throws -> World {
        var dice = SeededGenerator(seed: seed)
        let playing = try #require(StacksSimulator.Configuration.Agents.Playing.allCases.randomElement(using: &dice))
        let scenario = try Scenario.registered { configuration in
            configuration.seed = seed
            configuration.organizations[0].queues = ["mac", "linux"]
            configuration.agents.playing = playing
            configuration.agents.lostAfter = .seconds(Int.random(in: 20...300, using: &dice))
        }
        let simulator = scenario.simulator
        func kind() -> SimulatedJob.Template {
            var script = ScriptedAgent.Script(log: "begin\n", duration: .seconds(Int.random(in: 0...900, using: &dice)))
            // Whole minutes often, so that several things happen at the same time.
            script.startsAfter = .seconds(60 * Int.random(in: 0...3, using: &dice))
            script.ending = [.finishes, .finishes, .isLost, .neverStarts].randomElement(using: &dice) ?? .finishes
            script.output = [.init("middle\n", after: .seconds(Int.random(in: 0...600, using: &dice)))]
            var template = SimulatedJob.Template()
            template.script = script
            template.priority = Int.random(in: 0...9, using: &dice)
            return template
        }
        let jobs = ["mac", "linux"].flatMap { queue in
            simulator.addJobs((0..<20).map { _ in kind() }, queue: queue)
        }
        for queue in ["mac", "linux"] {
            var arrivals = SimulatedArrivals(count: 60, rate: 0.05)
            arrivals.spread = Bool.random(using: &dice) ? .even : .random
            arrivals.mix = (0..<3).map { _ in .init(template: kind()) }
            simulator.schedule(arrivals, queue: queue)
        }
        for job in jobs where Int.random(in: 0...3, using: &dice) > 0 {
            try scenario.reserve([job], expiry: 60 * Int.random(in: 1...20, using: &dice))
            if Int.random(in: 0...4, using: &dice) == 0 {
                try scenario.reserve([job], expiry: 60 * Int.random(in: 1...20, using: &dice))
            }
            guard Bool.random(using: &dice) else { continue }
            let issued = try scenario.tokens([job]).json["job_acquisition_tokens"][0]["job_acquisition_token"].text
            guard let issued, playing == .never else { continue }
            let agent = try scenario.send(.post, "register", AgentScenario.registration, token: issued)
            guard let token = agent.json["access_token"].text, Bool.random(using: &dice) else { continue }
            try scenario.send(.put, "jobs/\(job)/acquire", token: token)
            try scenario.send(.put, "jobs/\(job)/start", token: token)
        }
        for _ in 0..<2 {
            for _ in 0..<steps {
                scenario.clock.advance(by: .seconds(1800) / steps)
                _ = simulator.pendingArrivals
            }
            // What the responses are depends on all that has happened.
            let listed = try scenario.listed()
            try scenario.reserve(Array(listed.suffix(3)), expiry: 60)
            for job in jobs.prefix(5) { try scenario.finish(job) }
        }
        var query = JobQuery()
        query.order = .moved
        return World(
            jobs: simulator.jobs().map(Job.init),
            moved: try #require(simulator.jobs(query)).jobs.map(\.id), agents: simulator.agents,
            requests: simulator.requests(), counts: simulator.report.jobsByState, checks: simulator.checks,
            next: simulator.addJobs(2))
    }

    @Test("are the same: jobs and their UUIDs, events in their order, agents, and what comes next", arguments: 1...12)
    func same(seed: UInt64) throws {
        let leap = try world(seed: seed, steps: 1)
        let steps = try world(seed: seed, steps: 225)
        #expect(leap.jobs == steps.jobs)
        #expect(leap.moved == steps.moved)
        #expect(leap.agents == steps.agents)
        #expect(leap.requests == steps.requests)
        #expect(leap.counts == steps.counts && leap.checks == steps.checks)
        #expect(leap.next == steps.next)
        #expect(leap.jobs.count == 160)
    }

    @Test("reservations and agents end in the order of their times, and of one time in that of the jobs")
    func order() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(6)
        for (job, expiry) in zip(jobs, [30, 10, 20, 10, 40, 10]) { try scenario.reserve([job], expiry: expiry) }
        // What was to expire at 40 expires first now, and what was to expire first last.
        try scenario.reserve([jobs[4]], expiry: 5)
        try scenario.reserve([jobs[1]], expiry: 60)
        scenario.clock.advance(by: .seconds(3600))
        var query = JobQuery()
        query.order = .moved
        let moved = try #require(scenario.simulator.jobs(query)).jobs
        #expect(moved.reversed().map(\.id) == [4, 3, 5, 2, 0, 1].map { jobs[$0] })
        let start = scenario.clock.date - 3600
        #expect(moved.reversed().map { $0.history.last?.date } == [5, 10, 10, 20, 30, 60].map { start + $0 })
    }

    @Test("jobs that come back are listed at their places, one by one and many at once", arguments: [1, 8, 9, 300])
    func comeBack(count: Int) throws {
        let scenario = try Scenario.registered()
        let early = scenario.simulator.addJobs(count)
        scenario.clock.advance(by: .seconds(1))
        let late = scenario.simulator.addJobs(200)
        for job in early.shuffled() { try scenario.reserve([job], expiry: 1) }
        #expect(try scenario.listed() == late)
        let newest = scenario.simulator.addJobs(2)
        scenario.clock.advance(by: .seconds(60))
        #expect(try scenario.listed() == early + late + newest)
        #expect(try scenario.listed("&limit=7") == Array((early + late).prefix(7)))
    }
}
