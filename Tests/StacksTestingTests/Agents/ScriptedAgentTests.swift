import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("Scripted agents", .timeLimit(.minutes(5)))
struct ScriptedAgentTests {
    private let clock = ManualClock()

    private func scenario(
        _ configure: (inout StacksSimulator.Configuration) -> Void = { _ in }
    ) throws -> AgentScenario {
        var configuration = StacksSimulator.Configuration()
        configure(&configuration)
        return try AgentScenario(clock: clock, configuration)
    }

    private func scripted(_ agent: AgentScenario, _ version: ScriptedAgent.Version = .recent) -> ScriptedAgent {
        ScriptedAgent(
            simulator: agent.simulator, job: agent.job, token: agent.token, version: version, clock: clock)
    }

    private func run(
        _ agent: AgentScenario, _ script: ScriptedAgent.Script, version: ScriptedAgent.Version = .recent
    ) async throws -> ScriptedAgent.Run {
        try await clock.advancing { try await scripted(agent, version).run(script) }
    }

    @Test("one runs its script: a log, a duration and an exit status", arguments: [ScriptedAgent.Version.old, .recent])
    func script(version: ScriptedAgent.Version) async throws {
        let agent = try scenario { $0.agents.chunkLimit = 10 }
        var script = ScriptedAgent.Script(log: "+++ begin\nand so on\n", duration: .seconds(100), exitStatus: 7)
        script.output.append(.init("end\n", after: .seconds(90)))
        let run = try await run(agent, script, version: version)
        #expect(run == .init(exitStatus: 0, jobExitStatus: 7))
        let job = try agent.current()
        #expect(job.state == .finished)
        #expect(job.exitStatus == 7)
        #expect(job.log == "+++ begin\nand so on\nend\n")
        #expect(job.isLogComplete)
        #expect(job.headerTimes.count == 1)
        let (started, finished) = (try #require(job.date(of: .started)), try #require(job.date(of: .finished)))
        #expect(finished.timeIntervalSince(started) == 100)
        let registered = try #require(agent.simulator.agents.first)
        #expect(registered.state == .disconnected)
        #expect(registered.version == version.number)
        #expect(registered.heartbeats == 9)
    }

    @Test("one whose job is cancelled ends its command, and the job is canceled")
    func cancelled() async throws {
        let agent = try scenario()
        let script = ScriptedAgent.Script(
            duration: .seconds(3600), cancellation: .ends(after: .seconds(4), signal: "SIGTERM"))
        let run = try await clock.advancing {
            async let run = scripted(agent).run(script)
            while agent.state != .running { try await Task.sleep(for: .milliseconds(1)) }
            agent.simulator.cancel(agent.job)
            return try await run
        }
        #expect(run == .init(exitStatus: 0, jobExitStatus: -1, wasCancelled: true))
        let job = try agent.current()
        #expect(job.state == .canceled)
        #expect(job.signal == "SIGTERM")
        #expect(job.signalReason == "cancel")
    }

    @Test("one that does not care for a cancellation runs to its end")
    func stubborn() async throws {
        let agent = try scenario()
        let script = ScriptedAgent.Script(duration: .seconds(600), exitStatus: 2, cancellation: .isIgnored)
        let run = try await clock.advancing {
            async let run = scripted(agent).run(script)
            while agent.state != .running { try await Task.sleep(for: .milliseconds(1)) }
            agent.simulator.cancel(agent.job)
            return try await run
        }
        #expect(run.jobExitStatus == 2)
        #expect(agent.state == .canceled)
    }

    @Test("a job that cannot be acquired any more ends one with 27, and an old one with 1")
    func taken() async throws {
        for (version, status) in [(ScriptedAgent.Version.recent, 27), (.old, 1)] {
            let agent = try scenario()
            agent.simulator.addFault(
                .init(.refuse(status: .unprocessableContent, message: "taken"), for: .agentAcquire))
            let run = try await run(agent, .init(), version: version)
            #expect(run == .init(exitStatus: status, refusal: "422 taken"))
            #expect(agent.simulator.report.requests[.agentAcquire] == 1)
            #expect(agent.simulator.agents[0].state == .disconnected)
        }
    }

    @Test("a locked job ends one with 28 after seven attempts, as far apart as the server says")
    func locked() async throws {
        let agent = try scenario { $0.agents.lockedRetryAfter = .seconds(20) }
        agent.simulator.move(agent.job, to: .waiting)
        let before = clock.date
        let run = try await run(agent, .init())
        #expect(run.exitStatus == 28)
        #expect(agent.simulator.report.requests[.agentAcquire] == 7)
        #expect(clock.date.timeIntervalSince(before) == 120)
    }

    @Test("an expired token ends one at once, with 1")
    func expired() async throws {
        let agent = try scenario()
        clock.advance(by: .seconds(900))
        let run = try await run(agent, .init())
        #expect(run.exitStatus == 1)
        #expect(run.refusal?.hasPrefix("401") == true)
        #expect(agent.simulator.report.requests[.agentRegister] == 1)
    }

    @Test("one gets through a server that fails now and then, without a second launch or a log that is torn")
    func faults() async throws {
        let agent = try scenario()
        for operation in SimulatedOperation.allCases where operation.isAgentRequest {
            agent.simulator.addFault(.init(.refuse(status: .serviceUnavailable, message: "later"), for: operation))
        }
        for operation in [SimulatedOperation.agentRegister, .agentConnect, .agentAcquire, .agentStart, .agentLogChunk] {
            agent.simulator.addFault(.init(.dropResponse, for: operation))
        }
        let run = try await run(agent, .init(log: "a\nb\n", duration: .seconds(30), exitStatus: 4))
        #expect(run == .init(exitStatus: 0, jobExitStatus: 4))
        let job = try agent.current()
        #expect(job.log == "a\nb\n")
        #expect((job.launches, job.starts, job.finishes, job.exitStatus) == (1, 1, 1, 4))
        #expect(job.failedLogChunks == 0)
    }

    @Test("one whose task is cancelled is gone without a word, and its server loses it")
    func killed() async throws {
        let agent = try scenario()
        let task = Task { [scripted = scripted(agent)] in try await scripted.run(.init(duration: .seconds(3600))) }
        await clock.waitForSleepers()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(agent.state == .running)
        clock.advance(by: .seconds(180))
        #expect(agent.state == .finished)
        #expect(try agent.current().exitStatus == -1)
        #expect(agent.simulator.agents[0].state == .lost)
    }

    @Test("a recent one says how it acquires, an old one does not")
    func headerFields() async throws {
        for version in [ScriptedAgent.Version.recent, .old] {
            let agent = try scenario()
            let transport = agent.simulator.transport(clock: clock)
            let scripted = ScriptedAgent(
                transport: transport, baseURL: "http://localhost:1/v3", job: agent.job, token: agent.token,
                version: version, clock: clock)
            agent.simulator.addFault(.init(.refuse(status: .tooManyRequests, message: "slow"), for: .agentAcquire))
            _ = try await clock.advancing { try await scripted.run() }
            let fields = transport.requests.filter { $0.path.hasSuffix("/acquire") }.map(\.headerFields)
            let lock = try #require(HTTPField.Name("X-Buildkite-Lock-Acquire-Job"))
            let sequence = try #require(HTTPField.Name("X-Buildkite-Backoff-Sequence"))
            #expect(fields.map { $0[lock] } == (version == .recent ? ["1", "1"] : [nil, nil]))
            #expect(fields.map { $0[sequence] } == (version == .recent ? ["0", "1"] : [nil, nil]))
        }
    }

    @Test("its description has no token")
    func secrets() throws {
        let scripted = scripted(try scenario())
        #expect(!"\(scripted)".contains("bkjat_"))
        var dumped = ""
        dump(scripted, to: &dumped)
        #expect(!dumped.contains("bkjat_"))
    }
}

@Suite("Scripted agents that play what a job was made with", .timeLimit(.minutes(5)))
struct ScriptedEndingTests {
    private let clock = ManualClock()

    private func run(_ script: ScriptedAgent.Script) async throws -> (AgentScenario, ScriptedAgent.Run) {
        var template = SimulatedJob.Template()
        template.script = script
        let agent = try AgentScenario(clock: clock, .init(), template: template)
        let scripted = ScriptedAgent(simulator: agent.simulator, job: agent.job, token: agent.token, clock: clock)
        return (agent, try await clock.advancing { try await scripted.run() })
    }

    @Test("a job's script is played without being given again")
    func script() async throws {
        let (agent, run) = try await run(.init(log: "hello\n", duration: .seconds(60), exitStatus: 3))
        #expect(run == .init(exitStatus: 0, jobExitStatus: 3))
        #expect(try agent.current().log == "hello\n")
    }

    @Test("an agent whose machine boots for long registers late")
    func boot() async throws {
        let before = clock.date
        let (agent, run) = try await run(.init(startsAfter: .seconds(45)))
        #expect(run.exitStatus == 0)
        #expect(agent.simulator.agents.first?.registeredAt == before + 45)
    }

    @Test("a lost agent is gone without another request, and its server loses it")
    func lost() async throws {
        let (agent, run) = try await run(.init(log: "a\n", duration: .seconds(60), ending: .isLost))
        #expect(run == .init(exitStatus: 137))
        #expect(agent.state == .running && agent.simulator.agents.map(\.state) == [.connected])
        clock.advance(by: .seconds(180))
        #expect(try agent.current().exitStatus == -1)
        #expect(agent.simulator.report.requests[.agentDisconnect] == nil)
    }

    @Test("an agent that never starts makes no request, and ends in its time")
    func never() async throws {
        let before = clock.date
        let (agent, run) = try await run(.init(duration: .seconds(60), exitStatus: 9, ending: .neverStarts))
        #expect(run == .init(exitStatus: 9))
        #expect(clock.date == before + 60)
        #expect(agent.state == .reserved && agent.simulator.agents.isEmpty)
    }

    @Test("an agent that would be lost later ends its job when that is cancelled before")
    func cancelledBefore() async throws {
        let (agent, run) = try await run(.init(duration: .seconds(600), ending: .isLost)) { $0.cancel($1) }
        #expect(run.wasCancelled && run.exitStatus == 0)
        #expect(agent.state == .canceled)
    }

    private func run(
        _ script: ScriptedAgent.Script, meanwhile: (StacksSimulator, String) -> Bool
    ) async throws -> (AgentScenario, ScriptedAgent.Run) {
        let agent = try AgentScenario(clock: clock, .init())
        let scripted = ScriptedAgent(simulator: agent.simulator, job: agent.job, token: agent.token, clock: clock)
        let run = try await clock.advancing {
            async let run = scripted.run(script)
            while agent.state != .running { try await Task.sleep(for: .milliseconds(1)) }
            #expect(meanwhile(agent.simulator, agent.job))
            return try await run
        }
        return (agent, run)
    }
}
