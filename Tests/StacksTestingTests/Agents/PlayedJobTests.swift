import Foundation
import StacksTesting
import Testing

@Suite("Jobs whose agents the simulator plays")
struct PlayedJobTests {
    private typealias Script = ScriptedAgent.Script
    private typealias Playing = StacksSimulator.Configuration.Agents.Playing

    /// A simulator that plays jobs, and a job that runs as `script` says.
    private func scenario(
        _ script: Script?, playing: Playing = .launched,
        _ configure: (inout StacksSimulator.Configuration) -> Void = { _ in }
    ) throws -> (Scenario, job: String) {
        let scenario = try Scenario.registered { configuration in
            configuration.agents.playing = playing
            configure(&configuration)
        }
        var template = SimulatedJob.Template()
        template.script = script
        return (scenario, scenario.simulator.addJobs(template: template)[0])
    }

    private func job(_ scenario: Scenario, _ id: String) throws -> SimulatedJob {
        try #require(scenario.simulator.job(id))
    }

    @Test("a job runs as long as it was made to, with its log, and ends as it was made to")
    func whole() throws {
        var script = Script(log: "--- begin\n", duration: .seconds(100), exitStatus: 7, startsAfter: .seconds(20))
        script.output.append(.init("end\n", after: .seconds(90)))
        let (scenario, id) = try scenario(script) { $0.agents.chunkLimit = 6 }
        let start = scenario.clock.date
        _ = try scenario.reserveWithToken(id)
        scenario.clock.advance(by: .seconds(19))
        #expect(scenario.state(id) == .reserved && scenario.simulator.agents.isEmpty)
        scenario.clock.advance(by: .seconds(1))
        #expect(scenario.state(id) == .running)
        #expect(scenario.simulator.agents.map(\.state) == [.connected])
        scenario.clock.advance(by: .seconds(89))
        #expect(try job(scenario, id).log == "--- begin\n")
        scenario.clock.advance(by: .seconds(1))
        #expect(try job(scenario, id).log == "--- begin\nend\n")
        scenario.clock.advance(by: .seconds(10))

        let ended = try job(scenario, id)
        #expect(ended.state == .finished && ended.exitStatus == 7 && ended.isLogComplete)
        #expect((ended.launches, ended.starts, ended.finishes) == (1, 1, 1))
        #expect(ended.date(of: .started) == start + 20 && ended.date(of: .finished) == start + 120)
        #expect(ended.headerTimes.count == 1)
        let agent = try #require(scenario.simulator.agents.first)
        #expect(agent.state == .disconnected && agent.id == ended.agent && agent.lastSeenAt == start + 120)
        #expect(scenario.simulator.report.lost == 0 && scenario.simulator.checks.allSatisfy(\.holds))
    }

    @Test("a leap of the clock is the same as many small steps")
    func leap() throws {
        func history(steps: Int) throws -> [SimulatedJob.Event] {
            let (scenario, id) = try scenario(Script(duration: .seconds(600), startsAfter: .seconds(300)))
            // Reserved for longer than it takes until the agent comes, and not as long as it runs.
            try scenario.reserve([id], expiry: 400)
            _ = try scenario.tokens([id])
            let lost = scenario.simulator.addJobs(template: template(Script(duration: .seconds(5), ending: .isLost)))[0]
            _ = try scenario.reserveWithToken(lost)
            for _ in 0..<steps { scenario.clock.advance(by: .seconds(1800 / steps)); _ = scenario.simulator.report }
            return try job(scenario, id).history + job(scenario, lost).history
        }
        let leap = try history(steps: 1)
        #expect(leap == (try history(steps: 1800)))
        #expect(leap.contains { $0.kind == .finished } && leap.contains { $0.kind == .agentLost })
    }

    private func template(_ script: Script) -> SimulatedJob.Template {
        var template = SimulatedJob.Template()
        template.script = script
        return template
    }

    @Test("a job without a script ends at once and well, in the moment after its launch")
    func plain() throws {
        let (scenario, id) = try scenario(nil)
        _ = try scenario.reserveWithToken(id)
        #expect(scenario.state(id) == .finished)
        #expect(try job(scenario, id).exitStatus == 0)
    }

    @Test("a job ends by a signal")
    func signal() throws {
        let (scenario, id) = try scenario(Script(duration: .seconds(1), exitStatus: -1, signal: "SIGKILL"))
        _ = try scenario.reserveWithToken(id)
        scenario.clock.advance(by: .seconds(1))
        let ended = try job(scenario, id)
        #expect(ended.exitStatus == -1 && ended.signal == "SIGKILL" && ended.signalReason == nil)
    }

    @Test(
        "an agent that is lost sends nothing any more, and its job has failed when it has been missed for long enough")
    func lost() throws {
        let (scenario, id) = try scenario(Script(duration: .seconds(1000), ending: .isLost)) {
            $0.agents.lostAfter = .seconds(60)
        }
        _ = try scenario.reserveWithToken(id)
        scenario.clock.advance(by: .seconds(1059))
        #expect(scenario.state(id) == .running)
        scenario.clock.advance(by: .seconds(1))
        let ended = try job(scenario, id)
        #expect(ended.state == .finished && ended.exitStatus == -1 && ended.finishes == 0)
        #expect(scenario.simulator.agents.map(\.state) == [.lost])
    }

    @Test("an agent that never starts leaves the job to its reservation")
    func never() throws {
        let (scenario, id) = try scenario(Script(ending: .neverStarts))
        _ = try scenario.reserveWithToken(id)
        scenario.clock.advance(by: .seconds(899))
        #expect(scenario.state(id) == .reserved)
        scenario.clock.advance(by: .seconds(1))
        #expect(scenario.state(id) == .scheduled && scenario.simulator.agents.isEmpty)
    }

    @Test("a cancelled job ends when its agent has looked and its command has ended")
    func cancelled() throws {
        var script = Script(duration: .seconds(600), cancellation: .ends(after: .seconds(3), signal: "SIGTERM"))
        script.output = [
            .init("a\n", after: .seconds(10)), .init("b\n", after: .seconds(12)), .init("c\n", after: .seconds(20)),
        ]
        let (scenario, id) = try scenario(script) { $0.agents.jobStatusInterval = .seconds(5) }
        let start = scenario.clock.date
        _ = try scenario.reserveWithToken(id)
        scenario.clock.advance(by: .seconds(11))
        #expect(scenario.simulator.cancel(id))
        #expect(scenario.state(id) == .canceling)
        scenario.clock.advance(by: .seconds(600))
        let ended = try job(scenario, id)
        #expect(ended.state == .canceled && ended.exitStatus == -1)
        #expect(ended.signal == "SIGTERM" && ended.signalReason == "cancel")
        #expect(ended.date(of: .finished) == start + 18)
        #expect(ended.log == "a\nb\n" && ended.finishes == 1)
    }

    @Test("a job that ignores its cancellation, and one that times out, end as such jobs do")
    func stubborn() throws {
        let (scenario, id) = try scenario(Script(duration: .seconds(60), exitStatus: 2, cancellation: .isIgnored))
        _ = try scenario.reserveWithToken(id)
        #expect(scenario.simulator.cancel(id))
        scenario.clock.advance(by: .seconds(60))
        let ended = try job(scenario, id)
        #expect(ended.state == .canceled && ended.exitStatus == 2 && ended.signalReason == nil)

        let slow = scenario.simulator.addJobs(template: template(Script(duration: .seconds(60))))[0]
        _ = try scenario.reserveWithToken(slow)
        scenario.clock.advance(by: .milliseconds(500))
        #expect(scenario.simulator.move(slow, to: .timingOut))
        #expect(scenario.state(slow) == .timingOut)
        scenario.clock.advance(by: .milliseconds(500))
        #expect(scenario.state(slow) == .timedOut)
    }

    @Test("a stack that launches nothing has its jobs played once they are reserved")
    func reserved() throws {
        let (scenario, id) = try scenario(Script(duration: .seconds(5)), playing: .reserved)
        try scenario.reserve([id])
        #expect(scenario.state(id) == .running)
        #expect(try scenario.tokens([id]).json["not_issued"] == .strings([id]))
        scenario.clock.advance(by: .seconds(5))
        #expect(scenario.state(id) == .finished)
    }

    @Test("nothing is played unless it was asked for")
    func off() throws {
        let (scenario, id) = try scenario(Script(), playing: .never)
        _ = try scenario.reserveWithToken(id)
        scenario.clock.advance(by: .seconds(60))
        #expect(scenario.state(id) == .reserved)
    }

    @Test("a job that was given back before its agent came is played when it is launched again, and then once")
    func givenBack() throws {
        let (scenario, id) = try scenario(Script(duration: .seconds(100), startsAfter: .seconds(10)))
        _ = try scenario.reserveWithToken(id)
        try scenario.reserve([id], expiry: 1)
        scenario.clock.advance(by: .seconds(5))
        #expect(scenario.state(id) == .scheduled)
        _ = try scenario.reserveWithToken(id)
        _ = try scenario.tokens([id])
        scenario.clock.advance(by: .seconds(9.5))
        #expect(scenario.state(id) == .reserved)
        scenario.clock.advance(by: .seconds(200))
        let ended = try job(scenario, id)
        #expect(ended.state == .finished && ended.launches == 1 && scenario.simulator.agents.count == 1)
    }

    @Test("what ends a job otherwise ends its play", arguments: ["finish", "cancel", "move", "agent"])
    func otherwise(how: String) throws {
        let (scenario, id) = try scenario(Script(duration: .seconds(100), startsAfter: .seconds(10)))
        let token = try scenario.reserveWithToken(id)
        switch how {
        case "finish": #expect(try scenario.finish(id).status == 200)
        case "cancel": #expect(scenario.simulator.cancel(id))
        case "agent": #expect(try scenario.agent("acquire", id, token: token).status == 200)
        default:
            scenario.clock.advance(by: .seconds(10))
            #expect(scenario.state(id) == .running)
            #expect(scenario.simulator.move(id, to: .scheduled))
        }
        let before = try job(scenario, id).history.count
        scenario.clock.advance(by: .seconds(3600))
        #expect(try job(scenario, id).history.count == before)
        #expect(scenario.simulator.agents.map(\.state) == (how == "move" ? [.disconnected] : []))
        if how == "move" {
            _ = try scenario.reserveWithToken(id)
            scenario.clock.advance(by: .seconds(200))
            #expect(scenario.state(id) == .finished)
        }
    }

    @Test("many jobs end each at its time, and those that arrive are of the kinds that were asked for")
    func many() throws {
        let scenario = try Scenario.registered { $0.agents.playing = .reserved }
        var arrivals = SimulatedArrivals(count: 300, rate: 10)
        arrivals.mix = (1...3).map { .init(template: template(Script(duration: .seconds($0 * 10), exitStatus: $0))) }
        scenario.simulator.schedule(arrivals)
        for _ in 0..<40 {
            scenario.clock.advance(by: .seconds(1))
            let listed = try scenario.listed()
            if !listed.isEmpty { try scenario.reserve(listed) }
        }
        scenario.clock.advance(by: .seconds(60))
        let jobs = scenario.simulator.jobs(in: .finished)
        #expect(jobs.count == 300 && Set(jobs.compactMap(\.exitStatus)) == [1, 2, 3])
        for job in jobs {
            let (started, finished) = (try #require(job.date(of: .started)), try #require(job.date(of: .finished)))
            #expect(abs(finished.timeIntervalSince(started) - Double(10 * (job.exitStatus ?? 0))) < 0.001)
        }
    }

    @Test("a log is cut at its limit")
    func limit() throws {
        let (scenario, id) = try scenario(Script(log: String(repeating: "x", count: 95))) {
            $0.agents.logLimit = 50
            $0.agents.chunkLimit = 20
        }
        _ = try scenario.reserveWithToken(id)
        let ended = try job(scenario, id)
        #expect(ended.logSize == 40 && ended.failedLogChunks == 3 && ended.isLogComplete)
    }
}
