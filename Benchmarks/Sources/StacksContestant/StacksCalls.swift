package import Contestant
import StacksAPI
package import StacksTransport
package import Workload

/// The calls of the comparison, made with a `StacksClient`.
package struct StacksCalls: Caller {
    private let client: StacksClient
    /// Without pacing, which would keep back many calls about which the server says nothing.
    private let unpacedClient: StacksClient
    private let job = JobID(Identifiers.firstJob)
    private let oneJob = [JobID(Identifiers.firstJob)]

    /// Made for the first call about a thousand jobs: in all others they would count as the client's memory.
    private enum Many {
        static let jobs = Identifiers.jobs.map { JobID($0) }
        static let notifications = jobs.map { JobNotification(job: $0, detail: WireRequest.notificationDetail) }
    }

    /// - Parameter baseURL: Where the API is.
    package init(
        baseURL: String, transport: any HTTPTransport, equipment: Equipment = .standard
    ) throws {
        client = try equipment.client(baseURL: baseURL, transport: transport)
        unpacedClient = try Equipment.bare.client(baseURL: baseURL, transport: transport)
    }

    /// Makes one call and checks its response.
    ///
    /// Each call has a function of its own: together, their temporaries would count as the client's memory once for every
    /// caller.
    package func make(_ call: Call) async throws {
        switch call {
        case .states1, .states1000: try await readStates(call)
        case .job: try await readJob()
        case .list100, .list1000: try await list(call)
        case .reserve1000: try await reserve(call)
        case .finish: try await finish()
        case .notify1000: try await notify()
        }
    }

    @inline(never)
    private func readStates(_ call: Call) async throws {
        let response = try await client.jobStates(call == .states1 ? oneJob : Many.jobs, stack: WireRequest.stack)
        try expect(response.value.states.count == call.jobCount)
    }

    @inline(never)
    private func readJob() async throws {
        let response = try await client.job(job, stack: WireRequest.stack)
        try expect(!response.value.environment.isEmpty)
    }

    @inline(never)
    private func list(_ call: Call) async throws {
        let response = try await client.scheduledJobs(stack: WireRequest.stack, queue: "default", limit: call.jobCount)
        try expect(response.value.jobs.count == call.jobCount)
    }

    @inline(never)
    private func reserve(_ call: Call) async throws {
        let response = try await client.reserveJobs(Many.jobs, stack: WireRequest.stack)
        try expect(response.value.reserved.count == call.jobCount)
    }

    @inline(never)
    private func finish() async throws {
        try await client.finishJob(
            job, stack: WireRequest.stack, exitStatus: 1, detail: WireRequest.finishDetail)
    }

    @inline(never)
    private func notify() async throws {
        let response = try await client.notify(Many.notifications, stack: WireRequest.stack)
        try expect(response.value.failures.isEmpty)
    }

    /// Carries out an order with these calls.
    package func carryOut(_ order: Order, _ latencies: Latencies) async -> Tally {
        if order.deed == .cancel { return await Cancelling(unpacedClient, order, latencies).perform() }
        return await CallRun(order, latencies: latencies).perform(self)
    }

    private func expect(_ isTrue: Bool) throws {
        if !isTrue { throw UnexpectedResponse() }
    }

    struct UnexpectedResponse: Error {}
}
