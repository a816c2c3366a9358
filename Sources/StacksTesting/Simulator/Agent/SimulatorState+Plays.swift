#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An agent that the simulator plays itself.
struct Play {
    var timeline: ScriptedAgent.Timeline
    var log = ScriptedAgent.LogUpload()
    /// Its index and when the command was started, once it has the job.
    var run: (agent: Int, startedAt: Date)?
    /// Whether the command ends because the job was cancelled.
    var isStopped = false
    /// The number of its next step. Others of it are outdated.
    var step = 0
}

/// The time at which a played agent does something.
struct PlayStep: Comparable {
    var date: Date
    var number: Int
    /// The job's index.
    var job: Int

    static func < (lhs: PlayStep, rhs: PlayStep) -> Bool { (lhs.date, lhs.number) < (rhs.date, rhs.number) }
}

/// Agents that make no requests: time alone moves them, and a cancellation of their job.
///
/// They send no heartbeats and never look: steps are what their scripts say, however long a job takes.
extension SimulatorState {
    /// Plays the agent of a job, if one is to be played on this occasion.
    mutating func play(_ job: Int, on occasion: StacksSimulator.Configuration.Agents.Playing, at now: Date) {
        guard configuration.agents.playing == occasion, plays[job] == nil else { return }
        let script = jobs[job].job.template.script ?? ScriptedAgent.Script()
        guard script.ending != .neverStarts else { return }
        let play = Play(timeline: ScriptedAgent.Timeline(script, .init()))
        schedule(play, of: job, at: now.addingTimeInterval(max(.zero, script.startsAfter)))
    }

    private mutating func schedule(_ play: Play, of job: Int, at date: Date) {
        nextPlayStep += 1
        var play = play
        play.step = nextPlayStep
        plays[job] = play
        playSteps.insert(PlayStep(date: date, number: nextPlayStep, job: job))
    }

    mutating func performNextPlayStep() {
        guard let step = playSteps.first else { return }
        playSteps.removeFirst()
        // Taken out meanwhile, so that it does not follow what it does itself.
        guard plays[step.job]?.step == step.number, var play = plays.removeValue(forKey: step.job) else { return }
        if play.run == nil { begin(&play, of: step.job, at: step.date) }
        go(on: play, with: step.job, at: step.date)
    }

    /// Registers the agent, acquires its job and starts it.
    private mutating func begin(_ play: inout Play, of job: Int, at now: Date) {
        let (index, queue) = (agents.count, jobs[job].job.queue)
        let agent = RegisteredAgent(
            id: generator.uuid(), name: "played-agent-\(index + 1)", organization: jobs[job].job.organization,
            job: jobs[job].job.id, state: .connected, version: "", hostname: "stacks-simulator", os: "",
            tags: ["queue=\(queue)"], registeredAt: now,
            lastSeenAt: now)
        agents.append(AgentRecord(agent: agent, job: job, accessToken: "", acquisitionToken: "", isPlayed: true))
        liveAgents.insert(index)
        addEvent(.agentRegistered, to: job, at: now)
        play.run = (index, now)
        hand(job, to: .agent(index), at: now)
        jobs[job].job.starts += 1
        move(job, to: .running, .started, at: now)
    }

    /// Does what is due, and schedules what comes next.
    private mutating func go(on play: Play, with job: Int, at now: Date) {
        var play = play
        while let (agent, startedAt) = play.run {
            switch play.timeline.next() {
            case .wait:
                schedule(play, of: job, at: startedAt.addingTimeInterval(play.timeline.elapsed))
                return
            case .heartbeat, .lookForCancellation: break
            case .output(let text): write(text, of: job, to: &play.log, at: now)
            case .vanish:
                // From now on it is missed, as an agent is that has just sent a heartbeat.
                keepAlive(agent, at: now)
                return
            case .end(let exitStatus, let signal):
                jobs[job].job.finishAttempts += 1
                let end = AgentFinish(
                    exitStatus: exitStatus, signal: signal, signalReason: play.isStopped ? "cancel" : nil,
                    failedChunks: play.log.failedParts)
                self.end(job, with: end, at: now)
                leave(agent, at: now)
                return
            }
        }
    }

    private mutating func write(
        _ text: String, of job: Int, to log: inout ScriptedAgent.LogUpload, at now: Date
    ) {
        for (number, time) in log.headerTimes(of: text, at: now.iso8601) { jobs[job].job.headerTimes[number] = time }
        for part in log.parts(of: text, limit: max(1, configuration.agents.chunkLimit)) {
            guard part.offset + part.bytes.count <= configuration.agents.logLimit else {
                log.failedParts += 1
                continue
            }
            add(.init(offset: part.offset, bytes: part.bytes), as: part.sequence, toLogOf: job)
        }
    }

    private mutating func leave(_ agent: Int, at now: Date) {
        agents[agent].agent.state = .disconnected
        agents[agent].agent.lastSeenAt = now
        forget(agent)
    }

    /// Lets a played agent follow a change of its job that it has not made itself.
    mutating func followWithPlay(_ job: Int, at now: Date) {
        guard var play = plays[job] else { return }
        let state = jobs[job].job.state
        switch (state, play.run) {
        case (.canceling, let run?), (.timingOut, let run?):
            plays[job] = nil
            // It would learn of it the next time that it looks.
            let elapsed = max(0, now.timeIntervalSince(run.startedAt))
            let interval = configuration.agents.jobStatusInterval.wholeSeconds
            let looks = ((elapsed - 1e-6) / Double(interval)).rounded(.up)
            play.isStopped = play.timeline.cancel(
                at: .seconds(elapsed), learning: .seconds(max(0, looks) * Double(interval)))
            go(on: play, with: job, at: now)
        case (.reserved, nil): break
        case (_, .some) where state.isWithAgent: break
        case (_, let run):
            // The reservation has ended, another agent has the job, or a test has moved it.
            plays[job] = nil
            if let run { leave(run.agent, at: now) }
        }
    }
}
