import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The agent's requests.
///
/// An agent authenticates with the job's acquisition token. Before it acquires the job, the token is valid until it or the
/// reservation expires. Afterwards, only the token that acquired the job is valid, until the job ends.
extension SimulatorState {
    mutating func performAgentRequest(
        _ route: SimulatorRoute, credential: String, body: TransportRequest, at now: Date
    ) throws(Refusal) -> Reply {
        guard let token = tokens[credential] else { throw .unauthorized("The token is not a job acquisition token.") }
        let index = try requireJob(route.job, organization: nil)
        guard token.job == index else { throw .unauthorized("The token is for another job.") }
        switch route.operation {
        case .agentAcquire: return try acquire(index, token: token, credential: credential, at: now)
        case .agentStart:
            try requireAgent(index, credential: credential)
            jobs[index].job.starts += 1
            guard jobs[index].job.state == .accepted else { throw .cannot("be started", jobs[index].job.state) }
            move(index, to: .running, .started, at: now)
            return .ok(describeState(index))
        default:
            try requireAgent(index, credential: credential)
            let finish = try RequestBody.decode(RequestBody.AgentFinish.self, from: body.body ?? [])
            jobs[index].job.finishAttempts += 1
            let after: SimulatedJob.State
            switch jobs[index].job.state {
            case .running: after = .finished
            case .canceling: after = .canceled
            case .timingOut: after = .timedOut
            case let state: throw .cannot("be finished", state)
            }
            jobs[index].job.finishes += 1
            jobs[index].job.exitStatus = finish.exit_status
            move(index, to: after, .finished, at: now)
            return .ok(describeState(index))
        }
    }

    /// Moves a job to `accepted`. Throws 422 when the job can no longer be acquired (the agent exits with 27), and 423 when
    /// it is locked (28).
    private mutating func acquire(
        _ index: Int, token: TokenRecord, credential: String, at now: Date
    ) throws(Refusal) -> Reply {
        let state = jobs[index].job.state
        if state.isLocked {
            throw Refusal(
                status: .init(code: 423, reasonPhrase: "Locked"),
                message: "The job is \(state) and cannot be acquired yet.")
        }
        if state.isTerminal { throw .cannot("be acquired", state) }
        if state.isWithAgent {
            // A second agent was started for the job. It is refused and counted.
            jobs[index].job.launches += 1
            throw .cannot("be acquired", state)
        }
        guard !token.isRevoked else { throw .unauthorized("The reservation of the job acquisition token has ended.") }
        guard now < token.expiresAt else { throw .unauthorized("The job acquisition token has expired.") }
        jobs[index].job.launches += 1
        jobs[index].acquiredWith = credential
        move(index, to: .assigned, .acquired, at: now)
        move(index, to: .accepted, .accepted, at: now)
        return .ok(describe(index) + [("state", .string("accepted"))])
    }

    private func requireAgent(_ index: Int, credential: String) throws(Refusal) {
        guard jobs[index].acquiredWith == credential else {
            if jobs[index].job.state.isTerminal { throw .cannot("be changed", jobs[index].job.state) }
            throw .unauthorized("No agent has acquired the job with this token.")
        }
    }

    private func describeState(_ index: Int) -> [(String, JSONText)] {
        [("id", .string(jobs[index].job.id)), ("state", .string(jobs[index].job.state.rawValue))]
    }
}

extension Refusal {
    fileprivate static func cannot(_ what: String, _ state: SimulatedJob.State) -> Refusal {
        .invalid("A job that is \(state) cannot \(what).")
    }
}
