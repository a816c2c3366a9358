package import Contestant
import StacksAPI
package import StacksTransport
package import Workload

/// The calls of the comparison, made with a `StacksClient`.
package struct StacksCalls: Sendable {
    private let client: StacksClient
    /// Without pacing, which would keep back many calls about which the server says nothing.
    private let unpacedClient: StacksClient
    private let jobs = Identifiers.jobs.map { JobID($0) }
    private let notifications: [JobNotification]

    /// - Parameter baseURL: Where the API is.
    package init(
        baseURL: String, transport: any HTTPTransport, equipment: Equipment = .standard
    ) throws {
        client = try equipment.client(baseURL: baseURL, transport: transport)
        unpacedClient = try Equipment.bare.client(baseURL: baseURL, transport: transport)
        notifications = jobs.map { JobNotification(job: $0, detail: WireRequest.notificationDetail) }
    }

    /// Makes one call and checks that its answer was understood.
    package func make(_ call: Call) async throws {
        let stack = WireRequest.stack
        switch call {
        case .states1, .states1000:
            let answer = try await client.jobStates(call == .states1 ? [jobs[0]] : jobs, stack: stack)
            try expect(answer.value.states.count == call.jobCount)
        case .job:
            let answer = try await client.job(jobs[0], stack: stack)
            try expect(answer.value.environment.count == 40)
        case .list100, .list1000:
            let answer = try await client.scheduledJobs(stack: stack, queue: "default", limit: call.jobCount)
            try expect(answer.value.jobs.count == call.jobCount)
        case .reserve1000:
            let answer = try await client.reserveJobs(jobs, stack: stack)
            try expect(answer.value.reserved.count == call.jobCount)
        case .finish:
            try await client.finishJob(jobs[0], stack: stack, exitStatus: 1, detail: WireRequest.finishDetail)
        case .notify1000:
            let answer = try await client.notify(notifications, stack: stack)
            try expect(answer.value.failures.isEmpty)
        }
    }

    /// Carries out an order with these calls.
    package func carryOut(_ order: Order, _ latencies: Latencies) async -> Tally {
        if order.deed == .cancel { return await Cancelling(unpacedClient, order, latencies).perform() }
        return await CallRun(order, latencies: latencies).perform { try await make(order.call) }
    }

    private func expect(_ isTrue: Bool) throws {
        if !isTrue { throw UnexpectedAnswer() }
    }

    struct UnexpectedAnswer: Error {}
}
