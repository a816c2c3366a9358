import HTTPTypes

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What an agent does with its job.
extension SimulatorState {
    /// Moves a job to `accepted`. Throws 422 when the job can no longer be acquired (the agent exits with 27), and 423 when
    /// it is locked (28).
    mutating func acquire(_ call: JobCall) throws(Refusal) -> Reply {
        let index = call.job
        let state = jobs[index].job.state
        if state.isLocked {
            throw Refusal(
                status: .init(code: 423, reasonPhrase: "Locked"),
                message: "The job is \(state) and cannot be acquired yet.",
                retryAfter: configuration.agents.lockedRetryAfter.wholeSeconds)
        }
        if state.isTerminal { throw .cannot("be acquired", state) }
        if state.isWithAgent {
            if case .agent = call.holder, jobs[index].holder == call.holder {
                // An agent whose response was lost asks again, which is no second launch.
                guard state == .accepted else { throw .cannot("be acquired", state) }
                return .ok(describeForAgent(index))
            }
            // A second agent was started for the job. It is refused and counted.
            jobs[index].job.launches += 1
            throw .cannot("be acquired", state)
        }
        switch call.holder {
        case .token(let credential):
            guard let token = tokens[credential], !token.isRevoked else {
                throw .unauthorized("The reservation of the job acquisition token has ended.")
            }
            guard call.now < token.expiresAt else { throw .unauthorized("The job acquisition token has expired.") }
        case .agent(let agent):
            // The token was good when the agent registered. An agent takes a 422 as final.
            guard tokens[agents[agent].acquisitionToken]?.isRevoked == false else {
                throw .invalid("The reservation for which the agent registered has ended.")
            }
        }
        hand(index, to: call.holder, at: call.now)
        return .ok(describeForAgent(index))
    }

    /// Gives a job to whoever may have it.
    mutating func hand(_ index: Int, to holder: JobHolder, at now: Date) {
        if case .agent(let agent) = holder { jobs[index].job.agent = agents[agent].agent.id }
        jobs[index].job.launches += 1
        jobs[index].holder = holder
        move(index, to: .assigned, .acquired, at: now)
        move(index, to: .accepted, .accepted, at: now)
    }

    /// Accepts a job that was assigned to the agent. An acquired job is accepted already, which is no error.
    mutating func accept(_ call: JobCall) throws(Refusal) -> Reply {
        switch jobs[call.job].job.state {
        case .accepted: break
        case .assigned: move(call.job, to: .accepted, .accepted, at: call.now)
        case let state: throw .cannot("be accepted", state)
        }
        return .ok(describeForAgent(call.job))
    }

    mutating func start(_ call: JobCall) throws(Refusal) -> Reply {
        let body = try call.call.decodeIfPresent(RequestBody.AgentStart.self)
        try RequestBody.checkTime(body?.started_at, named: "started_at")
        if case .agent = call.holder, jobs[call.job].job.state == .running {
            // An agent whose response was lost asks again, which is no second start.
            return .ok(describeState(call.job))
        }
        jobs[call.job].job.starts += 1
        guard jobs[call.job].job.state == .accepted else { throw .cannot("be started", jobs[call.job].job.state) }
        move(call.job, to: .running, .started, at: call.now)
        return .ok(describeState(call.job))
    }

    /// The state as an agent knows it: it stops its command for `canceling` and `canceled` alone.
    func jobState(_ call: JobCall) -> Reply {
        let state = jobs[call.job].job.state
        return .ok([
            ("id", .string(jobs[call.job].job.id)),
            ("state", .string((state == .timingOut ? .canceling : state).rawValue)),
        ])
    }

    mutating func promiseFailure(_ call: JobCall) throws(Refusal) -> Reply {
        let body = try RequestBody.decode(RequestBody.PromisedFailure.self, from: call.call.body)
        try RequestBody.check(body.reason, named: "reason", atMost: 4096)
        guard body.exit_status != 0 else { throw .invalid("exit_status is 0; a failure has another one.") }
        guard jobs[call.job].job.state == .running else {
            throw .cannot("promise a failure", jobs[call.job].job.state)
        }
        jobs[call.job].job.promisedFailure = .init(exitStatus: body.exit_status, reason: body.reason)
        return .ok(describeState(call.job))
    }

    mutating func finish(_ call: JobCall) throws(Refusal) -> Reply {
        let finish = try RequestBody.decode(RequestBody.AgentFinish.self, from: call.call.body)
        try RequestBody.check(finish.signal, named: "signal", atMost: 64)
        try RequestBody.check(finish.signal_reason, named: "signal_reason", atMost: 64)
        try RequestBody.checkTime(finish.finished_at, named: "finished_at")
        let failedChunks = finish.chunks_failed_count ?? 0
        try RequestBody.check(failedChunks, named: "chunks_failed_count", in: 0...1_000_000)
        jobs[call.job].job.finishAttempts += 1
        let state = jobs[call.job].job.state
        switch state {
        case .running, .canceling, .timingOut: break
        default: throw .cannot("be finished", state)
        }
        let end = AgentFinish(
            exitStatus: finish.exit_status.value, signal: finish.signal.flatMap { $0.isEmpty ? nil : $0 },
            signalReason: finish.signal_reason.flatMap { $0.isEmpty ? nil : $0 }, failedChunks: failedChunks)
        self.end(call.job, with: end, at: call.now)
        return .ok(describeState(call.job))
    }

    /// How an agent says that its job has ended.
    struct AgentFinish {
        var exitStatus: Int
        var signal: String?
        var signalReason: String?
        var failedChunks: Int
    }

    /// Finishes a job that is with its agent.
    mutating func end(_ index: Int, with end: AgentFinish, at now: Date) {
        jobs[index].job.finishes += 1
        jobs[index].job.exitStatus = end.exitStatus
        jobs[index].job.signal = end.signal
        jobs[index].job.signalReason = end.signalReason
        jobs[index].job.failedLogChunks = end.failedChunks
        move(index, to: stateAfterEnd(of: jobs[index].job.state), .finished, at: now)
    }

    func describeState(_ index: Int) -> [(String, JSONText)] {
        [("id", .string(jobs[index].job.id)), ("state", .string(jobs[index].job.state.rawValue))]
    }
}
