import StacksAPI
import StacksTesting
import Testing

@testable import StacksController

@Suite("The jobs that a controller tells of", .timeLimit(.minutes(5)))
struct ControllerJobsTests {
    /// Agents that start their job and go on until they are told to end.
    private func stack(_ count: Int, capacity: Int) throws -> (stack: SimulatedStack, end: @Sendable () -> Void) {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let stack = try SimulatedStack(
            capacity: capacity, mode: .continuous,
            behavior: .init { agent in
                if let exit = try agent.start() { return exit }
                for await _ in ends {}
                return try agent.finish()
            },
            prepare: { simulator in
                var template = SimulatedJob.Template()
                template.pipelineSlug = "web"
                template.branch = "main"
                template.agentQueryRules = ["queue=default"]
                simulator.addJobs(count, queue: "default", template: template)
            },
            configure: { $0.watchInterval = .seconds(1) })
        return (stack, { end.finish() })
    }

    @Test("each that takes a slot with what was listed of it, and the one that waits for longest")
    func inFlight() async throws {
        let (stack, end) = try stack(5, capacity: 3)
        async let run: Void = stack.controller.run()
        try await stack.until { _ in
            stack.controller.status.current.running == 3 && stack.controller.status.oldestWaiting != nil
        }
        let jobs = await stack.controller.jobs()
        #expect(jobs.inFlight.count == 3)
        #expect(jobs.inFlight.allSatisfy { $0.stage == .running && $0.listed?.pipeline.slug == "web" })
        #expect(jobs.inFlight.allSatisfy { $0.listed?.id == $0.id && $0.listed?.build.branch == "main" })
        #expect(jobs.inFlight.allSatisfy { !$0.isUnresponsive && $0.inStage >= .zero && $0.inStage <= $0.known })
        #expect(jobs.inFlight.allSatisfy { ($0.sinceLaunch ?? .zero) > .zero && ($0.sinceLaunch ?? .zero) <= $0.known })
        #expect(jobs.inFlight.map(\.known) == jobs.inFlight.map(\.known).sorted(by: >))
        #expect(jobs.oldestWaiting != nil)
        #expect(!jobs.inFlight.contains { $0.id == jobs.oldestWaiting?.id })
        end()
        stack.controller.drain()
        try await run
    }

    @Test("none before the controller runs, and none after")
    func outside() async throws {
        let (stack, end) = try stack(1, capacity: 1)
        #expect(await stack.controller.jobs() == ControllerJobs())
        async let run: Void = stack.controller.run()
        try await stack.until { _ in stack.controller.status.current.running == 1 }
        #expect(await stack.controller.jobs().inFlight.count == 1)
        end()
        stack.controller.drain()
        try await run
        #expect(await stack.controller.jobs() == ControllerJobs())
    }

    @Test("many ask at once, some give up, and each is answered")
    func many() async throws {
        let (stack, end) = try stack(2, capacity: 2)
        async let run: Void = stack.controller.run()
        try await stack.until { _ in stack.controller.status.current.running == 2 }
        await withTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let asking = Task { await stack.controller.jobs().inFlight.count }
                    if number.isMultiple(of: 3) { asking.cancel() }
                    return await asking.value
                }
            }
            for await count in group { #expect(count == 2 || count == 0) }
        }
        end()
        stack.controller.drain()
        try await run
    }

    @Test("nobody waits for a loop that does not answer any longer than until its task is cancelled, or the loop ends")
    func unanswered() async throws {
        let questions = JobQuestions()
        questions.open()
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let cancelled = Task { await questions.ask { ask.yield() } }
        let left = Task { await questions.ask { ask.yield() } }
        var count = 0
        for await _ in asked {
            count += 1
            if count == 2 { break }
        }
        cancelled.cancel()
        #expect(await cancelled.value == ControllerJobs())
        questions.close()
        #expect(await left.value == ControllerJobs())
        #expect(await questions.ask { Issue.record("nobody is there to be called") } == ControllerJobs())
    }

    @Test("what is being done with a job is what the status counts")
    func stages() {
        var machine = ControllerMachine(configuration: .init(stackKey: "stack", queue: "default"), seed: 1)
        let found = JobID("00000000-0000-4000-8000-000000000001")
        _ = machine.step([.begin(recovered: [found])], at: .seconds(1))
        let jobs = machine.jobs(at: .seconds(5)).inFlight
        #expect(jobs.map(\.stage) == [.launching] && machine.status(at: .seconds(5)).current.launching == 1)
        #expect(jobs[0].listed == nil && jobs[0].sinceLaunch == .seconds(4) && jobs[0].known == .seconds(4))
    }
}
