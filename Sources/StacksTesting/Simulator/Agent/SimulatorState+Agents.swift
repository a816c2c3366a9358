#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The life of an agent.
extension SimulatorState {
    /// Registers an agent for the job of its acquisition token. A token that is no good gets a 401, because an agent
    /// repeats a registration that gets anything else.
    mutating func registerAgent(_ call: AgentCall) throws(Refusal) -> Reply {
        let credential = try credential(of: call.request)
        guard let token = tokens[credential] else {
            throw .unauthorized("An agent registers with a job acquisition token; the simulator knows no other agents.")
        }
        let job = token.job
        try requireAvailable(jobs[job].organization)
        let body = try RequestBody.decode(RequestBody.AgentRegister.self, from: call.body)
        try Self.check(body)
        guard !jobs[job].job.state.isTerminal else {
            throw .unauthorized("The job of the token is \(jobs[job].job.state).")
        }
        let hasConnected = token.agent.map { agents[$0].agent.state != .registered } ?? false
        guard !hasConnected, !jobs[job].job.state.isWithAgent else {
            // A second agent was started for the job. It is refused and counted.
            jobs[job].job.launches += 1
            throw .unauthorized("Another agent has registered for the job.")
        }
        guard !token.isRevoked else { throw .unauthorized("The reservation of the job acquisition token has ended.") }
        guard call.now < token.expiresAt else { throw .unauthorized("The job acquisition token has expired.") }

        // An agent whose response was lost registers again: it takes the place of what it does not know of.
        let index = token.agent ?? agents.count
        let (id, accessToken) = (generator.uuid(), generator.token(prefix: "bkaat_"))
        let name = Self.name(body, number: index + 1)
        try RequestBody.check(name, named: "name", atMost: 1024)
        let agent = RegisteredAgent(
            id: id, name: name, organization: jobs[job].job.organization, job: jobs[job].job.id,
            version: body.version ?? "", hostname: body.hostname ?? "", os: body.os ?? "", tags: body.meta_data ?? [],
            registeredAt: call.now,
            lastSeenAt: call.now)
        let record = AgentRecord(
            agent: agent, job: job, accessToken: accessToken, acquisitionToken: credential)
        if index < agents.count {
            accessTokens[agents[index].accessToken] = nil
            agents[index] = record
        } else {
            agents.append(record)
            addEvent(.agentRegistered, to: job, at: call.now)
        }
        tokens[credential]?.agent = index
        accessTokens[accessToken] = index
        liveAgents.insert(index)
        keepAlive(index, at: call.now)
        let settings = configuration.agents
        return .ok([
            ("id", .string(id)), ("name", .string(agent.name)), ("access_token", .string(accessToken)),
            ("endpoint", .string("")), ("ping_interval", .integer(settings.pingInterval.wholeSeconds)),
            ("job_status_interval", .integer(settings.jobStatusInterval.wholeSeconds)),
            ("heartbeat_interval", .integer(settings.heartbeatInterval.wholeSeconds)),
            ("meta_data", .strings(agent.tags)), ("request_headers", .object([])),
        ])
    }

    private static func check(_ body: RequestBody.AgentRegister) throws(Refusal) {
        try RequestBody.check(body.name, named: "name", atMost: 1024)
        try RequestBody.check(body.hostname, named: "hostname", atMost: 1024)
        try RequestBody.check(body.os, named: "os", atMost: 4096)
        try RequestBody.check(body.version, named: "version", atMost: 256)
        try RequestBody.check(body.meta_data?.count ?? 0, named: "meta_data", atMost: 1000)
        for (index, tag) in (body.meta_data ?? []).enumerated() {
            try RequestBody.check(tag, named: "meta_data.\(index)", atMost: 1024)
        }
    }

    /// The name that an agent asks for, with what the server fills in.
    private static func name(_ body: RequestBody.AgentRegister, number: Int) -> String {
        var name = body.name ?? ""
        if name.isEmpty { name = "%hostname-%spawn" }
        for (placeholder, value) in [
            ("%hostname", body.hostname ?? ""), ("%spawn", String(number)), ("%n", String(number)),
        ] {
            name = name.split(separator: placeholder, omittingEmptySubsequences: false).joined(separator: value)
        }
        return name
    }

    mutating func connect(_ agent: Int, _ call: AgentCall) -> Reply {
        agents[agent].agent.state = .connected
        keepAlive(agent, at: call.now)
        return .ok(describe(agent: agent))
    }

    mutating func heartbeat(_ agent: Int, _ call: AgentCall) throws(Refusal) -> Reply {
        let body = try RequestBody.decode(RequestBody.Heartbeat.self, from: call.body)
        try RequestBody.checkTime(body.sent_at, named: "sent_at")
        agents[agent].agent.heartbeats += 1
        keepAlive(agent, at: call.now)
        return .ok([("sent_at", .string(body.sent_at)), ("received_at", .string(call.now.iso8601))])
    }

    mutating func ping(_ agent: Int, _ call: AgentCall) -> Reply {
        keepAlive(agent, at: call.now)
        let isPaused = agents[agent].agent.pausedUntil.map { call.now < $0 } ?? false
        let action = agents[agent].agent.isStopping ? "disconnect" : isPaused ? "pause" : "idle"
        return .ok([("action", .string(action))])
    }

    /// Makes the next ping tell the agent to leave. By force, its job is cancelled too.
    mutating func stop(_ agent: Int, _ call: AgentCall) throws(Refusal) -> Reply {
        let body = try call.decodeIfPresent(RequestBody.AgentStop.self)
        agents[agent].agent.isStopping = true
        let job = agents[agent].job
        if body?.force == true, jobs[job].holder == .agent(agent) { _ = cancel(job, at: call.now) }
        return .ok(describe(agent: agent))
    }

    mutating func pause(_ agent: Int, _ call: AgentCall) throws(Refusal) -> Reply {
        let body = try call.decodeIfPresent(RequestBody.AgentPause.self)
        try RequestBody.check(body?.note, named: "note", atMost: 1024)
        // A day and a half is more than Buildkite allows.
        let minutes = body?.timeout_in_minutes ?? 5
        try RequestBody.check(minutes, named: "timeout_in_minutes", in: 1...2160)
        agents[agent].agent.pausedUntil = call.now.addingTimeInterval(.seconds(minutes * 60))
        return .ok(describe(agent: agent))
    }

    mutating func resume(_ agent: Int, _ call: AgentCall) -> Reply {
        agents[agent].agent.pausedUntil = nil
        return .ok(describe(agent: agent))
    }

    mutating func disconnect(_ agent: Int, _ call: AgentCall) -> Reply {
        agents[agent].agent.state = .disconnected
        forget(agent)
        endJob(ofLeaving: agent, at: call.now)
        return .ok(describe(agent: agent))
    }

    private func describe(agent: Int) -> [(String, JSONText)] {
        let agent = agents[agent].agent
        return [
            ("id", .string(agent.id)), ("name", .string(agent.name)),
            ("connection_state", .string(agent.state.rawValue)),
        ]
    }

    // MARK: Lost agents

    /// Awaits the agent's next heartbeat.
    mutating func keepAlive(_ agent: Int, at now: Date) {
        agents[agent].agent.lastSeenAt = now
        agentLosses.set(now.addingTimeInterval(configuration.agents.lostAfter), of: agent)
    }

    /// Forgets an agent that is no longer there.
    mutating func forget(_ agent: Int) {
        liveAgents.remove(agent)
        agentLosses.remove(agent)
    }

    /// Marks the next agent as lost whose heartbeats have stopped, and ends its job.
    mutating func loseNextAgent() {
        // The event has the date of the loss, not of the request that discovers it.
        guard let (loss, agent) = agentLosses.first() else { return }
        agents[agent].agent.state = .lost
        forget(agent)
        endJob(ofLeaving: agent, at: loss)
    }

    /// Ends the job that an agent has and will not finish any more. The exit status is Buildkite's for a lost agent.
    private mutating func endJob(ofLeaving agent: Int, at now: Date) {
        let job = agents[agent].job
        guard jobs[job].holder == .agent(agent), jobs[job].job.state.isWithAgent else { return }
        jobs[job].job.exitStatus = -1
        move(job, to: stateAfterEnd(of: jobs[job].job.state), .agentLost, at: now)
    }

    /// The final state of a job that is with an agent.
    func stateAfterEnd(of state: SimulatedJob.State) -> SimulatedJob.State {
        switch state {
        case .canceling: .canceled
        case .timingOut: .timedOut
        default: .finished
        }
    }
}
