import StacksAPI
import StacksTesting
import StacksTransport
import Testing

@testable import StacksController

@Suite("A configuration that changes while the controller runs")
struct ReconfigurationTests {
    @Test("jobs that match the new tags are launched, those that run stay", .timeLimit(.minutes(5)))
    func tags() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let stack = try SimulatedStack(
            mode: .continuous,
            behavior: .init { agent in
                for await _ in gate { break }
                return try await agent.work()
            },
            configure: { $0.tags = ["os": "linux"] })
        var template = SimulatedJob.Template()
        template.agentQueryRules = ["os=linux"]
        stack.simulator.addJobs(1, template: template)
        template.agentQueryRules = ["os=macos"]
        stack.simulator.addJobs(2, template: template)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stack.controller.run() }
            try await wait { stack.controller.status.current.launching == 1 }
            var configuration = stack.controller.configuration
            configuration.tags = ["os": "macos"]
            try stack.controller.reconfigure(configuration)
            try await wait { stack.agents.counts.current == 3 }
            #expect(stack.agents.counts.cancelled.isEmpty)
            open.finish()
            try await stack.until { $0.report.finished == 3 }
            stack.controller.drain()
            try await group.waitForAll()
        }
    }

    @Test("fewer slots stop nothing, and more are used at once")
    func slots() {
        var driver = MachineDriver.running(capacity: 2)
        let jobs = (1...4).map { ScheduledJob.number($0) }
        let reserved = driver.polls(jobs).reserved
        #expect(reserved == [[jobs[0].id, jobs[1].id]])
        _ = driver.reserves(reserved[0])
        #expect(driver.issues(reserved[0]).launched.count == 2)
        var configuration = driver.machine.shared.configuration
        configuration.maximumInFlight = 1
        let lowered = driver.happens(.configured(configuration))
        #expect(lowered.stopped.isEmpty && driver.machine.shared.freeSlots == 0)
        #expect((lowered.polls + driver.passes(.seconds(2)).polls).map(\.limit) == [1])
        _ = driver.polls([jobs[2]], next: "somewhere")
        configuration.maximumInFlight = 3
        let raised = driver.happens(.configured(configuration))
        #expect((raised.polls + driver.passes(.seconds(2)).polls).map(\.limit) == [1000])
        #expect(driver.polls(Array(jobs[2...])).reserved == [[jobs[2].id]])
    }

    @Test("a page that was requested for the configuration before counts for nothing")
    func pageUnderWay() {
        var driver = MachineDriver.running(tags: ["os": "linux"])
        var configuration = driver.machine.shared.configuration
        configuration.tags = ["os": "macos"]
        #expect(driver.happens(.configured(configuration)).polls.isEmpty)
        let job = ScheduledJob.number(1, rules: ["os=macos"])
        let wishes = driver.polls([job], next: "somewhere")
        // The list is read from its head.
        #expect(wishes.reserved.isEmpty && wishes.polls.allSatisfy { $0.after == nil })
        if wishes.polls.isEmpty { driver.waitsForPoll() }
        #expect(driver.polls([job]).reserved == [[job.id]])
    }

    @Test("what makes it another stack is refused by name, and so is a value out of its range; then nothing changes")
    func refusals() throws {
        let stack = try SimulatedStack()
        func refusal(_ change: (inout StackController.Configuration) throws -> Void) -> String {
            var configuration = stack.controller.configuration
            do {
                try change(&configuration)
                try stack.controller.reconfigure(configuration)
                return ""
            } catch { return "\(error)" }
        }
        #expect(refusal { $0.queue = "other" }.contains("The queue of a stack cannot change"))
        #expect(refusal { $0.stackKey = "other" }.contains("stackKey"))
        #expect(refusal { $0.metadata = ["a": "b"] }.contains("metadata"))
        #expect(refusal { $0.isDryRun.toggle() }.contains("isDryRun"))
        #expect(refusal { $0.maximumInFlight = 0 }.contains("maximumInFlight must be at least 1, not 0"))
        #expect(stack.controller.configuration.maximumInFlight == 100)
        #expect(refusal { $0.maximumInFlight = 7 }.isEmpty)
        #expect(stack.controller.configuration.maximumInFlight == 7)
    }
}
