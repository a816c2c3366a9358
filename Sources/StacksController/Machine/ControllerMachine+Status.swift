import StacksAPI

extension ControllerMachine {
    /// A snapshot at `now`.
    func status(at now: Duration) -> ControllerStatus {
        let now = max(now, shared.now)
        let (ledger, backlog) = (shared.ledger, polling.backlog)
        var status = ControllerStatus()
        status.phase = shared.phase
        status.totals = shared.totals
        // At the end of the controller those too that are not settled.
        let isOver = shared.phase == .deregistering || shared.phase == .ended
        status.totals.unreported = unreported + (isOver ? ledger.unsettled : 0)
        status.current.waiting = backlog.waiting
        status.sinceWaitingCount = backlog.countedAt.map { now - $0 }
        status.knowsAllWaiting = backlog.isWhole
        status.current.launching = ledger.notStarted.count
        status.current.running = ledger.running
        status.current.settling = ledger.settling
        status.current.reserved = ledger.reserved
        status.current.stopping = ledger.stopping
        status.current.unresponsive = stops.unresponsive.count
        status.slots = shared.configuration.maximumInFlight
        status.oldestWaiting = backlog.oldest.map { oldest in
            let known = polling.reading.firstListed(oldest.id)
            return .init(job: oldest.id, scheduledAt: oldest.scheduledAt, waited: now - (known ?? now))
        }
        status.sinceLastPoll = polling.lastSuccess.map { now - $0 }
        status.isPaused = polling.isPaused
        status.idleReason = idleReason
        status.lastFailure = shared.failures.last?.message
        if shared.phase == .running || shared.phase == .registering {
            let asking = registration.isNeeded ? registration.pacing : polling.pacing
            status.retriesIn = asking.failures > 0 ? max(.zero, asking.due - now) : nil
        }
        status.startTrouble = launcher.trouble?.message
        return status
    }

    private var idleReason: ControllerStatus.IdleReason? {
        let (ledger, reading) = (shared.ledger, polling.reading)
        if shared.phase != .running { return .notRunning }
        if shared.failures.last?.kind == .rateLimited { return .rateLimited }
        if polling.pacing.failures > 0 || registration.isNeeded { return .unreachable }
        if shared.configuration.isDryRun { return .dryRun }
        if polling.isPaused { return .paused }
        if shared.failures.lacksEndpoint { return .endpointMissing }
        if let trouble = launcher.trouble { return trouble.cause == .failing ? .launchesFail : .cannotStart }
        if launching.isOutage || (launching.pacing.failures > 0 && !ledger.awaitingToken.isEmpty) { return .noToken }
        if launcher.reachableSlots(shared) == 0 { return .full }
        if reading.foundMatching || polling.lastSuccess == nil
            || ledger.occupied - ledger.settling > ledger.watched.count
        {
            return nil
        }
        return reading.foundAny ? .nothingMatches : .nothingScheduled
    }
}
