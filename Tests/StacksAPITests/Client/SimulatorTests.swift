import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

/// Every operation against a whole Stacks API in memory, on a clock that the test moves.
@Suite(.timeLimit(.minutes(5))) struct SimulatorTests {
    private let clock = ManualClock()

    private func world(
        _ change: (inout StacksSimulator.Configuration) -> Void = { _ in }
    ) throws -> (StacksSimulator, StacksClient) {
        var configuration = StacksSimulator.Configuration()
        change(&configuration)
        let simulator = StacksSimulator(configuration: configuration, clock: clock)
        let client = try StacksClient(token: simulator.token, transport: simulator.transport())
        return (simulator, client)
    }

    @Test("the life of a job, from registration to its end")
    func goesThroughALife() async throws {
        let (simulator, client) = try world()
        let jobs = simulator.addJobs(3, queue: "default").map { JobID($0) }

        let stack = try await client.registerStack(key: "fleet", queue: "default", metadata: ["version": "1"])
        #expect(stack.status == .created)
        #expect(stack.key == "fleet")
        #expect(stack.metadata == ["version": "1"])
        #expect(try await client.registerStack(key: "fleet", queue: "default").status == .ok)

        let page = try await client.scheduledJobs(stack: "fleet", queue: "default", limit: 1000)
        #expect(page.jobs.map(\.id) == jobs)
        #expect(page.jobs.allSatisfy { $0.scheduledAt != nil && $0.pipeline.slug == "demo" })
        #expect(page.rateLimit?.scope == "list-scheduled-jobs")

        let reservation = try await client.reserveJobs(jobs + [.numbered(9)], stack: "fleet", expiry: .seconds(60))
        #expect(reservation.reserved == jobs)
        #expect(reservation.notReserved == [.numbered(9)])
        #expect(try await client.scheduledJobs(stack: "fleet", queue: "default").jobs.isEmpty)

        let job = try await client.job(jobs[0], stack: "fleet")
        #expect(job.command == "echo hello")
        let tokens = try await client.issueJobAcquisitionTokens(for: jobs, stack: "fleet", lifetime: .seconds(60))
        #expect(tokens.issued.map(\.job) == jobs)
        #expect(tokens.issued.allSatisfy { $0.token.value.hasPrefix("bkjat_") && $0.expiresAt != nil })

        try await client.finishJob(jobs[0], stack: "fleet", exitStatus: 0, detail: "done")
        try await client.failJob(jobs[1], stack: "fleet", detail: "no capacity")
        #expect(simulator.job(jobs[0].description)?.exitStatus == 0)
        #expect(simulator.job(jobs[1].description)?.exitStatus == -1)
        let states = try await client.jobStates(jobs + [.numbered(9)], stack: "fleet")
        #expect(states.states == [jobs[0]: .finished, jobs[1]: .finished, jobs[2]: .reserved])

        clock.advance(by: .seconds(61))
        #expect(try await client.scheduledJobs(stack: "fleet", queue: "default").jobs.map(\.id) == [jobs[2]])

        let identity = try await client.tokenIdentity()
        #expect(!identity.isUnclustered)
        #expect(identity.organizationSlug == "acme")
        #expect(try await client.deregisterStack(key: "fleet").status == .noContent)
    }

    @Test("notifications are created, and failed ones are returned by position")
    func notifies() async throws {
        let (simulator, client) = try world()
        let job = JobID(simulator.addJobs(1, queue: "default")[0])
        try await client.registerStack(key: "fleet", queue: "default")
        let result = try await client.notify(
            [
                JobNotification(job: job, detail: "starting", timestamp: simulator.date),
                JobNotification(job: .numbered(9), detail: "lost"),
                JobNotification(job: job, detail: "too early", timestamp: simulator.date + 3600),
            ],
            stack: "fleet")
        #expect(result.failures.flatMap(\.indexes).sorted() == [1, 2])
        #expect(simulator.job(job.description)?.notifications == ["starting"])
    }

    @Test("all pages together have every job once, in order")
    func readsAllPages() async throws {
        let (simulator, client) = try world { $0.enforcesRateLimits = false }
        let jobs = simulator.addJobs(250, queue: "default").map { JobID($0) }
        try await client.registerStack(key: "fleet", queue: "default")
        var read: [JobID] = []
        for try await page in client.allScheduledJobs(stack: "fleet", queue: "default", pageSize: 100) {
            read += page.jobs.map(\.id)
        }
        #expect(read == jobs)
    }

    @Test("reserving 2500 jobs, reading their states and issuing tokens takes several requests")
    func worksInBatches() async throws {
        let (simulator, client) = try world { $0.enforcesRateLimits = false }
        let jobs = simulator.addJobs(2500, queue: "default").map { JobID($0) }
        try await client.registerStack(key: "fleet", queue: "default")
        #expect(try await client.reserveJobs(jobs, stack: "fleet").reserved == jobs)
        let states = try await client.jobStates(jobs, stack: "fleet").value
        #expect(jobs.allSatisfy { states[$0] == .reserved })
        #expect(try await client.issueJobAcquisitionTokens(for: jobs, stack: "fleet").issued.map(\.job) == jobs)
    }

    @Test("the page says that dispatch is paused")
    func showsPauses() async throws {
        let (simulator, client) = try world()
        try await client.registerStack(key: "fleet", queue: "default")
        simulator.setPaused(true, queue: "default")
        #expect(try await client.scheduledJobs(stack: "fleet", queue: "default").clusterQueue.isDispatchPaused)
    }

    @Test("the error of each refusal has its code and the server's reason")
    func tellsRefusals() async throws {
        let (simulator, client) = try world()
        func code(_ call: () async throws -> Void) async throws -> StacksAPIError.Code {
            let error = try await failure(call)
            #expect(error.serverMessage != nil)
            return error.code
        }
        let options = CallOptions(retryPolicy: .never)
        #expect(try await code { _ = try await client.scheduledJobs(stack: "nobody", queue: "q") } == .notFound)
        try await client.registerStack(key: "fleet", queue: "default")
        #expect(try await code { _ = try await client.job(.numbered(9), stack: "fleet") } == .notFound)
        let stranger = try StacksClient(token: "bkct_other", transport: simulator.transport())
        #expect(try await code { _ = try await stranger.tokenIdentity() } == .unauthorized)
        simulator.setUnavailable(true)
        #expect(try await code { _ = try await client.tokenIdentity(options: options) } == .unavailable)
    }

    @Test("requests beyond the limit are refused, and retried after the wait")
    func waitsOutRateLimits() async throws {
        let simulator = StacksSimulator(clock: clock)
        var configuration = StacksClient.Configuration()
        configuration.clock = clock
        configuration.pacesRequests = false
        let client = try StacksClient(
            token: simulator.token, transport: simulator.timelessTransport(), configuration: configuration)
        try await client.registerStack(key: "fleet", queue: "default")
        for _ in 0..<10 { _ = try await client.scheduledJobs(stack: "fleet", queue: "default") }
        let error = try await failure {
            _ = try await client.scheduledJobs(
                stack: "fleet", queue: "default", options: CallOptions(retryPolicy: .never))
        }
        #expect(error.code == .rateLimited)
        #expect(error.rateLimit?.remaining == 0)
        async let attempts = client.scheduledJobs(stack: "fleet", queue: "default").attempts
        await clock.waitForSleepers()
        clock.advance(by: .seconds(3))
        #expect(try await attempts == 2)
    }

    @Test("a finish whose response was lost takes effect once, is not retried, and is confirmed by the state")
    func finishesOnce() async throws {
        let (simulator, client) = try world()
        let job = JobID(simulator.addJobs(1, queue: "default")[0])
        try await client.registerStack(key: "fleet", queue: "default")
        _ = try await client.reserveJobs([job], stack: "fleet")
        simulator.addFault(SimulatorFault(.dropResponse, for: .finishJob))
        let response = try await client.finishJob(
            job, stack: "fleet", exitStatus: 1, detail: "no capacity", options: RetryTableTests.immediate)
        #expect(response.wasConfirmedByState)
        #expect(simulator.job(job.description)?.finishAttempts == 1)
        #expect(simulator.job(job.description)?.finishes == 1)
        #expect(try await client.jobStates([job], stack: "fleet")[job] == .finished)
    }
}
