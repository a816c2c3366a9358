@testable import StacksAPI
@testable import StacksController

/// What happens in a world by itself, and what it leads to.
extension RandomWorld {
    enum Happening {
        case arrives(ControllerRequest)
        /// A call is repeated whose response was lost.
        case isRepeated(ControllerRequest, attempt: Int)
        case isDelivered(ControllerEvent)
        case agentComes(JobID)
        case agentEnds(JobID)
        case agentIsLost(JobID)
        case isNotFollowed(JobID)
        case jobAppears(ScheduledJob)
        case isCancelled(JobID)
        case isPaused(Bool)
        /// The machine is out of something that every command needs, or no longer.
        case isExhausted(Bool)
        /// Every command ends before an agent has taken its job, or no longer.
        case isBroken(Bool)
        case stackIsForgotten
        case controllerDies
        case anotherStackTakes
        case anotherStackRuns(JobID)
        case anotherStackEnds(JobID)
        case seemsOver(JobID, Bool)
        case goesDark(Bool)
        case interferenceBegins(Interference)
        case interferenceEnds(Interference)
    }

    /// What is to come from the beginning on, whatever the controller does.
    static func isFate(_ what: Happening) -> Bool {
        switch what {
        case .jobAppears, .controllerDies: true
        default: false
        }
    }

    /// Without what is long, and without dictionaries, whose order is another one every time.
    static func describe(_ what: Happening) -> String {
        switch what {
        case .isDelivered(.polled(.success(let page), _, _)): "polled \(page.jobs.map(\.id))"
        case .isDelivered(.states(let query, .success(let states), _)):
            "states \(query.jobs.map { "\($0): \(states[$0]?.rawValue ?? "unknown")" })"
        case .isDelivered(.registered(.success, _)): "registered"
        case .jobAppears(let job): "\(job.id) appears, priority \(job.priority)"
        default: "\(what)"
        }
    }

    mutating func happens(_ what: Happening) {
        if nextExpiry <= now { expire() }
        switch what {
        case .anotherStackTakes, .anotherStackRuns, .anotherStackEnds, .seemsOver, .goesDark: happensOddly(what)
        case .jobAppears(let job):
            jobs[job.id] = ServerJob(listed: job)
            order.append(job.id)
        case .isPaused(let value): isPaused = value
        case .isExhausted(let value): isExhausted = value
        case .isBroken(let value):
            isBroken = value
            (failedWhileBroken, mayFail) = (0, 3 + driver.machine.ledger.occupied)
        case .stackIsForgotten: isRegistered = false
        case .controllerDies: restart()
        case .interferenceBegins(let what):
            interferences.insert(what)
            interferenceCount += 1
        case .interferenceEnds(let what): interferences.remove(what)
        case .isCancelled(let id):
            switch jobs[id]?.state {
            case .scheduled?, .reserved?: become(.canceled, id)
            case .running?: become(.canceling, id)
            default: break
            }
        case .agentComes(let id):
            guard agents.contains(id), !stopped.contains(id) else { return }
            if let job = jobs[id], job.tokenDiesAt <= now {
                // It is refused, and some go on to try until they are stopped, if there is anybody to do it.
                if chance(0.5) || (agentsSurvive && !agentsAreFollowed) {
                    after(0..<1, .isDelivered(.launcherEnded(id, .exited(JobExit(status: 1)))))
                }
                return
            }
            guard jobs[id]?.state == .reserved, jobs[id]?.holder != Self.anotherStack else {
                return after(0..<1, .isDelivered(.launcherEnded(id, .exited(.notAcquired))))
            }
            if chance(0.05) { return after(0..<1, .isDelivered(.launcherEnded(id, .exited(.locked)))) }
            become(.running, id)
            jobs[id]?.hasStarted = true
            after(0..<30, .agentEnds(id))
            if chance(oddity * 0.5), !survivors.contains(id) { after(0..<20, .seemsOver(id, true)) }
        case .agentEnds(let id):
            guard agents.contains(id) else { return }
            switch jobs[id]?.state {
            case .running? where jobs[id]?.holder != Self.anotherStack: become(.finished, id)
            case .canceling?: become(.canceled, id)
            default: break
            }
            // Some agents end with the status of their job, whatever that is.
            let status = [0, 0, 0, 0, 0, 0, 0, 1, 27, 28][Int(pick(0..<10))]
            after(0..<1, .isDelivered(.launcherEnded(id, .exited(JobExit(status: status)))))
        case .agentIsLost(let id): become(.finished, id)
        case .isNotFollowed(let id): if survivors.contains(id) { step([.launcherEnded(id, .notFollowed)]) }
        case .isDelivered(let event):
            if case .launcherEnded(let id, _) = event {
                // Of one that is not followed the controller learns the end from Buildkite alone.
                guard agents.remove(id) != nil, survivors.remove(id) == nil else { return }
            }
            step([event])
        case .arrives(let action): arrives(action, attempt: 1)
        case .isRepeated(let action, let attempt): arrives(action, attempt: attempt)
        }
    }

    private mutating func arrives(_ action: ControllerRequest, attempt: Int) {
        if let interjection = interjection(to: action) { return fails(action, interjection, attempt: attempt) }
        // Refused, unavailable, or lost on the way; and done, with the answer lost.
        if isDark || chance(unreliability / 2) {
            let refusal = !isDark && random.next(in: 0..<1) < 0.4 ? Self.tooMany : Self.unavailable
            return fails(action, refusal, attempt: attempt)
        }
        let answer = serve(action)
        if chance(unreliability / 2) { return fails(action, .lost, attempt: attempt) }
        after(chance(oddity * 0.1) ? 0..<40 : 0..<0.2, .isDelivered(answer), for: sender)
    }

    /// A call that gives jobs back is repeated by itself, some times: what was lost may have been done. The response is for
    /// whoever sent the request, who may have died since.
    private mutating func fails(_ action: ControllerRequest, _ failure: CallFailure, attempt: Int) {
        if case .giveBack = action, attempt < 5 {
            return after(1..<5, .isRepeated(action, attempt: attempt + 1), for: sender)
        }
        after(0..<1, .isDelivered(Self.failure(of: action, failure)), for: sender)
    }
}
