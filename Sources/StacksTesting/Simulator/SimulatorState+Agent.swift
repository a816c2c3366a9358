import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The agent's side, as far as a job's life needs it.
///
/// An agent presents the job's acquisition token. Until it has acquired the job, the token counts for as long as it
/// lives and the reservation stands; the one that acquired the job counts from then on until the job is over.
extension SimulatorState {
    mutating func answerAgent(
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

    /// Moves a job to `accepted`: 422 when it cannot be acquired any more, which an agent exits 27 for, and 423 when
    /// it is locked for now, exit 28.
    private mutating func acquire(
        _ index: Int, token: TokenRecord, credential: String, at now: Date
    ) throws(Refusal) -> Reply {
        let state = jobs[index].job.state
        if state.isLocked {
            throw Refusal(
                status: .init(code: 423, reasonPhrase: "Locked"),
                message: "The job is \(state), and will be scheduled again.")
        }
        if state.isTerminal { throw .cannot("be acquired", state) }
        if state.isWithAgent {
            // Somebody started a second agent for it. It is refused, and counted.
            jobs[index].job.launches += 1
            throw .cannot("be acquired", state)
        }
        guard !token.isRevoked else { throw .unauthorized("The reservation that the token belongs to is over.") }
        guard now < token.expiresAt else { throw .unauthorized("The token has expired.") }
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
