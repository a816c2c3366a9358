import HTTPTypes
import Logging
import ServiceLifecycle
import StacksAPI
import StacksController
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@Suite("A controller against a simulated Buildkite", .timeLimit(.minutes(5)))
struct StackControllerTests {
    /// Nothing was launched twice, nothing is held that nobody works at, and the stack is gone.
    private func expectOrder(_ stack: SimulatedStack, sourceLocation: SourceLocation = #_sourceLocation) {
        let report = stack.simulator.report
        #expect(report.launchedTwice == 0, sourceLocation: sourceLocation)
        #expect(report.lost == 0, sourceLocation: sourceLocation)
        #expect(stack.agents.counts.launches.values.allSatisfy { $0 == 1 }, sourceLocation: sourceLocation)
        #expect(report.requests[.deregisterStack] == 1, sourceLocation: sourceLocation)
        #expect(stack.controller.status.phase == .ended, sourceLocation: sourceLocation)
    }

    @Test("1000 jobs are all run, none twice, none lost, never more at a time than there are slots")
    func thousand() async throws {
        let stack = try SimulatedStack(capacity: 50) { $0.addJobs(1000, queue: "default") }
        try await stack.controller.run()
        expectOrder(stack)
        #expect(stack.simulator.report.finished == 1000)
        #expect(stack.agents.counts.most <= 50)
        let totals = stack.controller.status.totals
        #expect(totals.launched == 1000)
        #expect(totals.finished == 1000)
        #expect(totals.failed + totals.cancelled + totals.released == 0)
    }

    @Test("200 jobs with slots for them cost one reservation and one request for tokens")
    func batches() async throws {
        let stack = try SimulatedStack(capacity: 200) { $0.addJobs(200, queue: "default") }
        try await stack.controller.run()
        expectOrder(stack)
        let requests = stack.simulator.report.requests
        #expect(requests[.reserveJobs] == 1)
        #expect(requests[.issueJobAcquisitionTokens] == 1)
    }

    @Test("an agent gets the token of its job, and never the stack's own")
    func tokens() async throws {
        let stack = try SimulatedStack(
            behavior: .init { agent in
                #expect(agent.job.acquisitionToken.value.hasPrefix("bkjat_"))
                #expect(!"\(agent.job)".contains(agent.job.acquisitionToken.value))
                return try await agent.work()
            },
            prepare: { $0.addJobs(3, queue: "default") }
        )
        try await stack.controller.run()
        #expect(stack.simulator.report.finished == 3)
    }

    @Test("jobs that do not match the tags stay scheduled")
    func tags() async throws {
        var linux = SimulatedJob.Template()
        linux.agentQueryRules = ["os=linux"]
        var macOS = SimulatedJob.Template()
        macOS.agentQueryRules = ["os=macos"]
        let stack = try SimulatedStack(
            prepare: { $0.addJobs([linux, macOS, linux], queue: "default") },
            configure: { $0.tags = ["os": "linux"] }
        )
        try await stack.controller.run()
        expectOrder(stack)
        #expect(stack.simulator.jobs(in: .finished).count == 2)
        #expect(stack.simulator.jobs(in: .scheduled).count == 1)
        #expect(stack.controller.status.totals.unmatched == 1)
    }

    @Test("a job that is cancelled before its agent starts has its launcher stopped, once")
    func cancel() async throws {
        let stack = try SimulatedStack(
            behavior: .init { agent in
                try await agent.hang()
                return .success
            }
        ) { $0.addJobs(1, queue: "default") }
        async let run: Void = stack.controller.run()
        try await stack.until { _ in stack.agents.counts.current == 1 }
        let job = stack.simulator.jobs()[0]
        stack.simulator.cancel(job.id)
        try await run
        #expect(stack.agents.counts.cancelled == [JobID(job.id)])
        #expect(stack.simulator.job(job.id)?.state == .canceled)
        #expect(stack.simulator.report.requests[.finishJob] == nil)
        #expect(stack.controller.status.totals.cancelled == 1)
    }

    @Test("a running job that is cancelled is left to its agent")
    func cancelRunning() async throws {
        let simulatorSawCancel = Mutex(false)
        let stack = try SimulatedStack(
            behavior: .init { agent in
                _ = try agent.start()
                try await wait { agent.simulator.job(agent.job.id.description)?.state == .canceling }
                // Long enough for the controller to look at the states in between.
                let asked = agent.simulator.report.requests[.getJobStates] ?? 0
                try await wait { agent.simulator.report.requests[.getJobStates] ?? 0 >= asked + 2 }
                simulatorSawCancel.withLock { $0 = true }
                return try agent.finish()
            }
        ) { $0.addJobs(1, queue: "default") }
        async let run: Void = stack.controller.run()
        try await stack.until { !$0.jobs(in: .running).isEmpty }
        stack.simulator.cancel(stack.simulator.jobs()[0].id)
        try await run
        #expect(simulatorSawCancel.withLock { $0 })
        #expect(stack.agents.counts.cancelled.isEmpty)
        expectOrder(stack)
    }

    @Test("a paused queue is obeyed and polled on; when it is resumed everything runs")
    func pause() async throws {
        let stack = try SimulatedStack(mode: .continuous) { simulator in
            simulator.addJobs(20, queue: "default")
            simulator.setPaused(true, queue: "default")
        }
        async let run: Void = stack.controller.run()
        try await stack.until { $0.report.requests[.listScheduledJobs] ?? 0 >= 5 }
        #expect(stack.simulator.report.requests[.reserveJobs] == nil)
        try await stack.until { _ in stack.controller.status.idleReason == .paused }
        stack.simulator.setPaused(false, queue: "default")
        try await stack.until { $0.report.finished == 20 }
        stack.controller.drain()
        try await run
        expectOrder(stack)
    }

    @Test("a graceful shutdown takes no more jobs, lets the running ones end, and de-registers")
    func drain() async throws {
        let isReleased = Mutex(false)
        let stack = try SimulatedStack(
            capacity: 3,
            mode: .continuous,
            behavior: .init { agent in
                _ = try agent.start()
                try await wait { isReleased.withLock { $0 } }
                return try agent.finish()
            }
        ) { $0.addJobs(10, queue: "default") }
        let group = ServiceGroup(
            services: [stack.controller],
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        async let run: Void = group.run()
        try await stack.until { $0.jobs(in: .running).count == 3 }
        await group.triggerGracefulShutdown()
        try await stack.until { _ in stack.controller.status.phase == .draining }
        #expect(stack.simulator.report.requests[.deregisterStack] == nil)
        isReleased.withLock { $0 = true }
        // A group takes a service that ends for a failure of it, unless it was told to shut down.
        try await run
        expectOrder(stack)
        #expect(stack.simulator.jobs(in: .finished).count == 3)
        #expect(stack.simulator.jobs(in: .scheduled).count == 7)
    }

    @Test("what is reserved and cannot be launched is given back at the shutdown, and scheduled again a second later")
    func giveBack() async throws {
        let stack = try SimulatedStack(mode: .continuous) { simulator in
            simulator.addJobs(5, queue: "default")
            simulator.addFault(
                SimulatorFault(
                    .refuse(status: .serviceUnavailable, message: "no"), for: .issueJobAcquisitionTokens, count: nil))
        }
        async let run: Void = stack.controller.run()
        try await stack.until { $0.report.requests[.issueJobAcquisitionTokens] ?? 0 >= 2 }
        try await stack.until { $0.jobs(in: .reserved).count == 5 }
        stack.controller.drain()
        try await run
        try await stack.until { $0.jobs(in: .scheduled).count == 5 }
        #expect(stack.agents.counts.launches.isEmpty)
        #expect(stack.controller.status.totals.released == 5)
    }

    @Test("a job that its launcher could not start is finished with the launcher's message, once")
    func launchFailure() async throws {
        struct NoDisk: Error, CustomStringConvertible { var description: String { "no disk left" } }
        let stack = try SimulatedStack(behavior: .init { _ in throw NoDisk() }) { $0.addJobs(2, queue: "default") }
        try await stack.controller.run()
        #expect(stack.simulator.report.requests[.finishJob] == 2)
        #expect(
            stack.simulator.jobs(in: .finished).allSatisfy {
                $0.finishes == 1 && $0.exitStatus == -1 && $0.detail == "no disk left"
            })
        #expect(stack.simulator.jobs(in: .finished).count == 2)
        #expect(stack.controller.status.totals.failed == 2)
    }

    @Test("a launcher that cannot start any job ends the controller, and its jobs go back to the queue")
    func unusableLauncher() async throws {
        let gone = StackControllerError(code: .launcherUnusable, message: "the command is gone")
        let stack = try SimulatedStack(mode: .continuous, behavior: .init { _ in throw gone }) {
            $0.addJobs(30, queue: "default")
        }
        let error = await #expect(throws: StackControllerError.self) { try await stack.controller.run() }
        #expect(error?.code == .launcherUnusable)
        #expect(error?.message == "the command is gone")
        #expect(stack.simulator.report.requests[.finishJob, default: 0] == 0)
        #expect(stack.simulator.jobs(in: .finished).isEmpty)
        let totals = stack.controller.status.totals
        #expect(totals.failed == 0 && totals.released == totals.reserved && totals.launched > 0)
    }

    @Test("a launcher that can start nothing for a while fails no job: all are run when it can again")
    func unavailableLauncher() async throws {
        let failures = Mutex(25)
        let behavior = SimulatedAgents.Behavior { agent in
            let fails = failures.withLock { count in
                count -= 1
                return count >= 0
            }
            if fails { throw LauncherUnavailable(message: "no disk left") }
            return try await agent.work()
        }
        let stack = try SimulatedStack(capacity: 20, behavior: behavior) { $0.addJobs(40, queue: "default") }
        try await stack.controller.run()
        #expect(stack.simulator.report.requests[.finishJob, default: 0] == 0)
        #expect(stack.simulator.report.finished == 40 && stack.simulator.report.launchedTwice == 0)
        let totals = stack.controller.status.totals
        #expect(totals.failed == 0 && totals.finished == 40 && totals.released >= 25)
    }

    @Test("with lost requests, lost responses, errors and limits every job is run, none twice")
    func faults() async throws {
        let stack = try SimulatedStack(capacity: 40, mode: .continuous) { simulator in
            simulator.addJobs(300, queue: "default")
            let actions: [SimulatorFault.Action] = [
                .dropResponse, .connectionRefused, .refuse(status: .serviceUnavailable, message: "later"),
                .refuse(status: .tooManyRequests, message: "slow down", headerFields: [.retryAfter: "1"]), .html(),
                .malformedJSON,
            ]
            let operations: [SimulatedOperation] = [
                .registerStack, .listScheduledJobs, .reserveJobs, .issueJobAcquisitionTokens, .getJobStates,
            ]
            for operation in operations {
                for action in actions {
                    var fault = SimulatorFault(action, for: operation)
                    fault.probability = 0.08
                    fault.count = 5
                    simulator.addFault(fault)
                }
            }
        }
        async let run: Void = stack.controller.run()
        try await stack.until { $0.report.finished == 300 }
        stack.controller.drain()
        try await run
        expectOrder(stack)
        #expect(stack.simulator.report.faults > 10)
    }

    @Test("of three controllers on one queue one dies half-way: nothing is launched twice, and nothing is lost")
    func death() async throws {
        func stack(_ key: String, sharing other: SimulatedStack? = nil) throws -> SimulatedStack {
            try SimulatedStack(
                capacity: 40, mode: .continuous, sharing: other,
                configure: {
                    $0.stackKey = key
                    $0.reservationExpiry = .seconds(15)
                })
        }
        let first = try stack("first")
        let others = [try stack("second", sharing: first), try stack("third", sharing: first)]
        let simulator = first.simulator
        simulator.addJobs(600, queue: "default")
        let doomed = Task { try await first.controller.run() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for other in others { group.addTask { try await other.controller.run() } }
            try await first.until { $0.report.finished > 100 }
            doomed.cancel()
            _ = await doomed.result
            // What the dead one had reserved is scheduled again when its reservations run out.
            try await first.until { $0.report.finished == 600 }
            for other in others { other.controller.drain() }
            try await group.waitForAll()
        }
        #expect(simulator.report.launchedTwice == 0)
        #expect(simulator.report.lost == 0)
    }

    @Test("a token that is not accepted ends the run with one error")
    func unauthorized() async throws {
        let stack = try SimulatedStack(token: "bkct_wrong") { $0.addJobs(1, queue: "default") }
        let error = await #expect(throws: StackControllerError.self) { try await stack.controller.run() }
        #expect(error?.code == .unauthorized)
        #expect(error.map { !"\($0)".contains("bkct_wrong") } == true)
        #expect(stack.transport.requests.count == 1)
    }

    @Test("cancelling the task stops every launcher and ends the run")
    func cancelled() async throws {
        let stack = try SimulatedStack(
            mode: .continuous,
            behavior: .init { agent in
                try await agent.hang()
                return .success
            }
        ) { $0.addJobs(5, queue: "default") }
        let run = Task { try await stack.controller.run() }
        try await stack.until { _ in stack.agents.counts.current == 5 }
        run.cancel()
        await #expect(throws: CancellationError.self) { try await run.value }
        #expect(stack.agents.counts.current == 0)
        #expect(stack.agents.counts.cancelled.count == 5)
    }
}
