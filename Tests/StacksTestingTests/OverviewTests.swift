import Foundation
import HTTPTypes
import StacksTesting
import Testing

@Suite("What a page asks for")
struct OverviewTests {
    private func moved(_ simulator: StacksSimulator, limit: Int = .max) -> [String] {
        var query = JobQuery()
        query.order = .moved
        query.limit = limit
        return simulator.jobs(query)?.jobs.map(\.id) ?? []
    }

    @Test("the job that moved last comes first, however often jobs have moved")
    func order() {
        let simulator = Scenario().simulator
        let jobs = simulator.addJobs(50)
        #expect(moved(simulator) == jobs.reversed())
        var expected: [String] = jobs.reversed()
        for step in 0..<2000 {
            // Every job moves, some of them often.
            let job = jobs[step % 7 == 0 ? step / 7 % 50 : step * step % 11]
            simulator.move(job, to: step.isMultiple(of: 2) ? .limited : .scheduled)
            expected.removeAll { $0 == job }
            expected.insert(job, at: 0)
            if step % 97 == 0 { #expect(moved(simulator) == expected, "step \(step)") }
        }
        #expect(moved(simulator) == expected)
        #expect(moved(simulator, limit: 3) == Array(expected.prefix(3)))
    }

    @Test("the counts by state are those of the jobs, whatever has happened to them")
    func counts() throws {
        let scenario = Scenario { $0.organizations[0].queues = ["mac", "linux"] }
        try scenario.register("s")
        let simulator = scenario.simulator
        let jobs = simulator.addJobs(6, queue: "mac")
        var blocked = SimulatedJob.Template()
        blocked.state = .blocked
        simulator.addJobs(2, queue: "linux", template: blocked)
        func expectCounts(_ comment: Comment) {
            let overview = simulator.overview(limit: 100)
            let all = Dictionary(grouping: simulator.jobs(), by: \.state).mapValues(\.count)
            #expect(overview.jobs == all, comment)
            for queue in overview.queues.first {
                let own = simulator.jobs().filter { $0.queue == queue.key }
                #expect(queue.jobs == Dictionary(grouping: own, by: \.state).mapValues(\.count), comment)
            }
        }
        expectCounts("added")
        let token = try scenario.reserveWithToken(jobs[0])
        try scenario.reserve([jobs[1], jobs[2]], expiry: 60)
        expectCounts("reserved")
        try scenario.agent("acquire", jobs[0], token: token)
        try scenario.agent("start", jobs[0], token: token)
        try scenario.finish(jobs[1])
        simulator.cancel(jobs[0])
        simulator.cancel(jobs[3])
        simulator.move(jobs[4], to: "hibernating")
        expectCounts("run, finished, cancelled and moved")
        scenario.clock.advance(by: .seconds(60))
        expectCounts("expired")
        #expect(simulator.overview(limit: 1).jobs[.scheduled] == 2)
    }

    @Test("jobs of a rare state, an unknown one too, are all found, wherever they are")
    func rare() throws {
        let scenario = Scenario { $0.organizations[0].queues = ["mac", "linux"] }
        let simulator = scenario.simulator
        let jobs = simulator.addJobs(500, queue: "mac") + simulator.addJobs(500, queue: "linux")
        for index in [3, 499, 700, 999] { simulator.move(jobs[index], to: "hibernating") }
        func found(_ change: (inout JobQuery) -> Void) throws -> ([Int], Bool) {
            var query = JobQuery()
            query.state = "hibernating"
            change(&query)
            let (found, hasMore) = try #require(simulator.jobs(query))
            return (found.compactMap { jobs.firstIndex(of: $0.id) }, hasMore)
        }
        #expect(try found { _ in } == ([3, 499, 700, 999], false))
        #expect(try found { $0.limit = 4 } == ([3, 499, 700, 999], false))
        #expect(try found { $0.limit = 3 } == ([3, 499, 700], true))
        #expect(try found { $0.queue = "linux" } == ([700, 999], false))
        #expect(try found { $0.order = .moved } == ([999, 700, 499, 3], false))
        #expect(try found { $0.after = jobs[499] } == ([700, 999], false))
        #expect(try found { $0.find = jobs[700].uppercased() } == ([700], false))
        #expect(try found { $0.find = "queue=LINUX" } == ([700, 999], false))
        #expect(try found { $0.organization = "globex" } == ([], false))
        #expect(try found { $0.state = "running" } == ([], false))
        #expect(simulator.jobStates.last == "hibernating" && simulator.jobStates.count == 23)
        var unknown = JobQuery()
        unknown.after = unknownUUID
        #expect(simulator.jobs(unknown) == nil)
    }

    @Test("a list of jobs ends when they have too many bytes together, and goes on after that")
    func largeJobs() throws {
        let simulator = Scenario().simulator
        var template = SimulatedJob.Template()
        template.script = ScriptedAgent.Script(log: String(repeating: "x", count: 10_000))
        let jobs = simulator.addJobs(5, template: template)
        var query = JobQuery()
        func found() throws -> (jobs: [String], hasMore: Bool) {
            let found = try #require(simulator.jobs(query))
            return (found.jobs.map(\.id), found.hasMore)
        }
        #expect(try found() == (jobs, false))
        query.sizeLimit = 25_000
        #expect(try found() == (Array(jobs[..<2]), true))
        query.after = jobs[1]
        #expect(try found() == (Array(jobs[2..<4]), true))
        query.after = jobs[3]
        #expect(try found() == ([jobs[4]], false))
        // Without what only a whole job has, they are small.
        query.after = nil
        query.hasBuilds = false
        #expect(try found() == (jobs, false))
        // One is always given, so that who goes on gets on.
        query.sizeLimit = 1
        #expect(try found() == ([jobs[0]], true))
    }

    @Test("agents that the simulator plays are there until they leave or are lost, and come first")
    func played() throws {
        let scenario = try Scenario.registered {
            $0.agents.playing = .reserved
            $0.agents.lostAfter = .seconds(30)
        }
        func add(_ seconds: Int, _ ending: ScriptedAgent.Script.Ending = .finishes) throws {
            var template = SimulatedJob.Template()
            template.script = .init(duration: .seconds(seconds), ending: ending)
            try scenario.reserve(scenario.simulator.addJobs(template: template))
        }
        try add(100)
        try add(10)
        try add(40, .isLost)
        func there() -> (Int, [String]) {
            let overview = scenario.simulator.overview(limit: 10)
            return (overview.liveAgents, overview.agents.first.map { "\($0.name.suffix(1)) \($0.state.rawValue)" })
        }
        #expect(there() == (3, ["3 connected", "2 connected", "1 connected"]))
        scenario.clock.advance(by: .seconds(69))
        #expect(there() == (2, ["3 connected", "1 connected", "2 disconnected"]))
        // One that is played is seen all the time, also when no heartbeat is awaited.
        let overview = scenario.simulator.overview(limit: 10)
        #expect(overview.agents.first.map(\.lastSeenAt) == [69 - 29, 69, 10].map { overview.date - 69 + $0 })
        #expect(overview.agents.first.map(\.lastSeenAt) == [2, 0, 1].map { scenario.simulator.agents[$0].lastSeenAt })
        scenario.clock.advance(by: .seconds(1))
        #expect(there() == (1, ["1 connected", "3 lost", "2 disconnected"]))
        scenario.clock.advance(by: .seconds(100))
        #expect(there().0 == 0)
    }

    @Test("the windows of a stack's limits have the requests of the last second")
    func limits() throws {
        let scenario = try Scenario.registered()
        func used() -> [String: Int] {
            let stack = scenario.simulator.overview(limit: 10).stacks.first[0]
            return Dictionary(uniqueKeysWithValues: stack.limits.filter { $0.used > 0 }.map { ($0.scope, $0.used) })
        }
        #expect(used() == [:])
        _ = try scenario.list()
        _ = try scenario.list()
        scenario.clock.advance(by: .milliseconds(600))
        _ = try scenario.list()
        #expect(used() == ["list-scheduled-jobs": 3])
        scenario.clock.advance(by: .milliseconds(400))
        #expect(used() == ["list-scheduled-jobs": 1])
        scenario.clock.advance(by: .seconds(1))
        #expect(used() == [:])
    }

    @Test("lists are cut, with those first that are there")
    func cut() throws {
        let scenario = Scenario()
        for key in ["a", "b", "c"] { try scenario.register(key) }
        try scenario.send(.post, "stacks/a/deregister")
        for number in 1...3 { scenario.simulator.addFault(SimulatorFault(.delayOnly, count: number)) }
        let overview = scenario.simulator.overview(limit: 2)
        #expect(overview.stacks.first.map(\.stack.key) == ["b", "c"] && overview.stacks.count == 3)
        #expect(overview.faults.first.map(\.number) == [1, 2] && overview.faults.count == 3)
        #expect(scenario.simulator.removeFault(2) && !scenario.simulator.removeFault(2))
        #expect(scenario.simulator.overview(limit: 2).faults.first.map(\.number) == [1, 3])
    }
}
