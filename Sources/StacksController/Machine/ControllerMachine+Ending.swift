import Logging
import StacksAPI

extension ControllerMachine {
    /// Nothing that is asked of Buildkite will succeed any more.
    var isCutOff: Bool { fatal?.code == .unauthorized }

    /// Takes no further jobs: what is reserved and not launched is given back, what runs may end.
    mutating func drain(_ reason: String, at now: Duration) {
        guard phase == .running || phase == .registering else { return }
        log(.notice, "\(reason): taking no further jobs, \(ledger.launchers) are running")
        phase = .draining
        backlog.removeAll()
        startTrouble = nil
        // Of the uncertain ones some may be reserved. Those in flight are given back when the answer comes.
        for id in ledger.waiting.sorted() + uncertain { letGo(id, at: now) }
        uncertain = []
    }

    /// Ends for a reason that waiting does not cure. Running jobs are let end: their agents have tokens of their own.
    mutating func stop(_ error: StackControllerError, at now: Duration) {
        guard fatal == nil else { return }
        fatal = error
        // It is thrown at the end. While jobs run that may be far away, so it is said at once too.
        log(ledger.launchers > 0 ? .critical : .debug, error.message)
        drain("Stopping", at: now)
    }

    mutating func endIfDone(at now: Duration) {
        guard phase == .draining, ledger.launchers == 0 else { return }
        let isWaitingForAnswers =
            registration.isInFlight || polling.isInFlight || reservation.isInFlight || issuing.isInFlight
            || givingBack > 0 || ledger.finishing > 0 || !ledger.returning.isDisjoint(with: renewalInFlight)
        let isSettled = !isWaitingForAnswers && (ledger.ended.isEmpty && ledger.confirming.isEmpty || isCutOff)
        if !isSettled {
            let deadline = settleBy ?? now + configuration.settleTimeout
            settleBy = deadline
            guard now >= deadline else { return }
        }
        settleBy = nil
        let untold = unreported + ledger.ended.count + ledger.confirming.count + ledger.finishing
        if untold > 0 {
            log(.warning, "Buildkite could not be told of \(untold) jobs that ended before an agent had them")
        }
        // A key that another controller has taken is that one's to de-register, and so is one that a dry run has found.
        let isOurs = isRegistered && fatal?.code != .stackTakenOver && !(configuration.isDryRun && isInherited)
        guard isOurs, !isCutOff, configuration.deregistersAtEnd else { return end() }
        phase = .deregistering
        deregistration.isInFlight = true
        actions.append(.request(.deregister))
    }

    mutating func deregistered(_ failure: CallFailure?) {
        if let failure {
            actions.append(.failed(.deregister, failure.kind))
            log(.warning, "The stack could not be de-registered: \(failure.message)")
        }
        end()
    }

    private mutating func end() {
        phase = .ended
        log(.info, status(at: lastPoll ?? .zero).summary)
        actions.append(.end(fatal))
    }

    mutating func log(_ level: Logger.Level, _ message: String, _ job: JobID? = nil) {
        actions.append(.log(level, message, job: job))
    }

    // MARK: Status

    mutating func logStatusIfDue(at now: Duration) {
        guard let due = nextStatusLine, now >= due, let interval = configuration.statusInterval else { return }
        nextStatusLine = now + interval
        log(.info, status(at: now).summary)
    }

    /// A snapshot at `now`.
    func status(at now: Duration) -> ControllerStatus {
        let now = max(now, latest)
        var status = ControllerStatus()
        status.phase = phase
        status.totals = totals
        status.current.waiting = backlog.waiting
        status.sinceWaitingCount = backlog.countedAt.map { now - $0 }
        status.knowsAllWaiting = backlog.isWhole
        status.current.launching = ledger.launching
        status.current.running = ledger.watched.count - ledger.launching
        status.current.settling = ledger.settling
        status.current.reserved = ledger.occupied - ledger.watched.count - ledger.stopping - ledger.settling
        status.current.stopping = ledger.stopping
        status.current.unresponsive = deaf.count
        status.slots = configuration.maximumInFlight
        status.oldestWaiting = backlog.oldest.map { oldest in
            .init(
                job: oldest.id, scheduledAt: oldest.scheduledAt, waited: now - (reading.known[oldest.id]?.first ?? now))
        }
        status.sinceLastPoll = lastPoll.map { now - $0 }
        status.isPaused = isPaused
        status.hindrance = hindrance
        status.lastFailure = lastFailure?.message
        if phase == .running || phase == .registering {
            let asking = wantsRegistration ? registration : polling
            status.asksAgainIn = asking.failures > 0 ? max(.zero, asking.due - now) : nil
        }
        status.startTrouble = startTrouble?.message
        return status
    }

    private var hindrance: ControllerStatus.Hindrance? {
        if phase != .running { return .notRunning }
        if lastFailure?.kind == .rateLimited { return .rateLimited }
        if polling.failures > 0 || needsRegistration { return .unreachable }
        if configuration.isDryRun { return .dryRun }
        if isPaused { return .paused }
        if lacksEndpoint { return .endpointMissing }
        if startTrouble != nil { return .cannotStart }
        if isTokenOutage || (issuing.failures > 0 && !ledger.waiting.isEmpty) { return .noToken }
        if freeSlots == 0 { return .full }
        if reading.foundSuiting || lastPoll == nil || ledger.occupied - ledger.settling > ledger.watched.count {
            return nil
        }
        return reading.foundAny ? .nothingMatches : .nothingScheduled
    }
}
