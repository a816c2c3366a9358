import Logging
import StacksAPI

extension ControllerMachine {
    /// The most jobs of one request (`job_uuids`).
    static let maximumBatch = 1000

    /// The shortest time between two reservations: the rate that Buildkite allows.
    private static let shortestReservationInterval = Duration.milliseconds(100)

    /// Between a request that was refused and a smaller one.
    static let pauseAfterRefusal = Duration.seconds(1)

    var wantsReservation: Bool {
        guard phase == .running, !needsRegistration, !configuration.isDryRun else { return false }
        // One job at a time shows whether there are tokens again.
        if triesOneJob, !ledger.waiting.isEmpty || issuing.isInFlight { return false }
        return !uncertain.isEmpty || (!isPaused && !backlog.isEmpty && freeSlots > 0)
    }

    /// Whether nothing gets a token, for long or because there is no endpoint for it: one job shows when that is over.
    private var triesOneJob: Bool { isTokenOutage || lacksTokens }

    /// When something may be reserved next: what gets no token would be given back again.
    var reservationDue: Duration? {
        reservation.due(if: wantsReservation).map { triesOneJob ? max($0, issuing.due) : $0 }
    }

    mutating func reserveIfDue(at now: Duration) {
        guard let due = reservationDue, due <= now else { return }
        let limit = triesOneJob ? 1 : reservationLimit.count
        // First those of which it is not known whether they are reserved already; they hold their slots.
        var asked = Array(uncertain.prefix(limit))
        uncertain.removeFirst(asked.count)
        if !isPaused {
            for job in backlog.takeFirst(min(freeSlots, limit - asked.count))
            where !ledger.contains(job.id) && !isCooling(job.id, at: now) {
                let listedAt = reading.known[job.id]?.first
                ledger.insert(job.id, job: job, stage: .reserving, at: now, listedAt: listedAt)
                asked.append(job.id)
            }
        }
        guard !asked.isEmpty else { return }
        reservation.isInFlight = true
        reservationAskedAt = now
        actions.append(.request(.reserve(asked)))
    }

    mutating func reserved(_ asked: [JobID], _ result: Result<Reservation, CallFailure>, at now: Duration) {
        let asked = asked.filter { ledger[$0]?.stage == .reserving }
        switch result {
        case .success(let answer):
            reservation.succeeded(next: now + Self.shortestReservationInterval)
            reservationLimit.accepted(asked.count)
            clearFailure(of: .reserve)
            let (ours, others) = (Set(answer.reserved), Set(answer.notReserved))
            var leftOut = 0
            for id in asked {
                if ours.contains(id) {
                    totals.reserved += 1
                    isReserved(id, since: reservationAskedAt, at: now)
                    if phase == .running, !isPaused {
                        ledger.move(id, to: .waiting, at: now)
                    } else {
                        letGo(id, at: now)
                    }
                } else if others.contains(id) {
                    ledger.remove(id)
                    totals.notReserved += 1
                    cool(id, .denied, at: now)
                } else {
                    // It may be reserved: giving it back makes sure that it is not for long.
                    leftOut += 1
                    mayBeReserved(id, at: now)
                    letGo(id, at: now)
                }
            }
            if leftOut > 0 {
                log(
                    .warning, "The response does not say of \(leftOut) jobs whether they are reserved; giving them back"
                )
            }
        case .failure(let failure):
            reservation.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter)
            switch failure.kind {
            case .transient, .rateLimited:
                if failure.kind == .transient { for id in asked { mayBeReserved(id, at: now) } }
                // Others may be able to start what this stack cannot learn of for long.
                let patience = phase == .running ? Self.longestWithoutToken : .zero
                let isOver = asked.map { now - (ledger[$0]?.since ?? now) >= patience }
                uncertain = zip(asked, isOver).filter { !$0.1 }.map(\.0) + uncertain
                for (id, isOver) in zip(asked, isOver) where isOver {
                    letGo(id, at: now, coolFor: phase == .running ? .unissued : .returned)
                }
            case .rejected:
                // The jobs are left to the next poll, and asked for in smaller batches until it is found which of them
                // it is, so that one job does not keep all others from being reserved.
                reservation.succeeded(next: now + Self.pauseAfterRefusal)
                let isFound = !reservationLimit.refused(asked.count)
                for id in asked {
                    lapse(id, at: now)
                    if isFound { cool(id, .refused, at: now) }
                }
            default:
                for id in asked { lapse(id, at: now) }
            }
            note(failure, of: .reserve, at: now)
        }
    }

    /// Takes down that the job is reserved for this stack, by a request that was made at `sent`.
    private mutating func isReserved(_ id: JobID, since sent: Duration, at now: Duration) {
        ledger.update(id) { entry in
            entry.reservedUntil = sent + configuration.reservationExpiry
            entry.mayBeReservedUntil = now + configuration.reservationExpiry
        }
    }

    /// Takes down that a request to reserve the job may have been heard.
    private mutating func mayBeReserved(_ id: JobID, at now: Duration) {
        ledger.update(id) { $0.mayBeReservedUntil = now + configuration.reservationExpiry }
    }

    // MARK: Keeping

    var wantsRenewal: Bool {
        let isNeeded = !(ledger.watched.isEmpty && ledger.waiting.isEmpty && ledger.ended.isEmpty && reports.isEmpty)
        return !isCutOff && (isNeeded || !ledger.confirming.isEmpty)
    }

    /// Renews reservations of jobs that wait, launch, or are to be reported on, long before they run out.
    ///
    /// What has run out is not renewed when a token was issued for it, because the token is dead too; unless the job is
    /// still said to be reserved: then a renewal tells for whom.
    mutating func renewIfDue(at now: Duration) {
        guard renewing.isDue(at: now) else { return }
        renewing.due = now + configuration.watchInterval
        guard phase == .running || phase == .draining, wantsRenewal else { return }
        let soon = now + configuration.reservationExpiry / 2
        func runsOut(_ id: JobID) -> Bool {
            guard let entry = ledger[id], entry.reservedUntil < soon else { return false }
            switch entry.stage {
            case .waiting: return true
            case .launched: return entry.reservedUntil > now || entry.isSeenReserved
            case .ended, .finishing: return entry.reservedUntil > now && !entry.isReportRefused
            default: return false
            }
        }
        var asked = (ledger.waiting.sorted() + ledger.watched.sorted() + ledger.ended.sorted()).filter(runsOut)
        asked += reports.map(\.id).filter(runsOut) + ledger.confirming.sorted()
        guard !asked.isEmpty else { return }
        renewing.isInFlight = true
        renewalAskedAt = now
        renewalInFlight = Set(asked)
        actions.append(.request(.renew(asked)))
    }

    /// Asks soon whether jobs are this stack's that are reserved and may not be.
    mutating func confirmSoon(at now: Duration) {
        if renewing.failures == 0 { renewing.due = min(renewing.due, now) }
    }

    mutating func renewed(_ asked: [JobID], _ result: Result<Reservation, CallFailure>, at now: Duration) {
        let lost = renewalInFlight.subtracting((try? result.get()) == nil ? [] : asked)
        renewalInFlight = []
        switch result {
        case .success(let answer):
            renewing.succeeded(next: now + configuration.watchInterval)
            clearFailure(of: .renew)
            let (ours, others) = (Set(answer.reserved), Set(answer.notReserved))
            for id in asked {
                let isOurs = ours.contains(id)
                if isOurs { isReserved(id, since: renewalAskedAt, at: now) }
                renewed(id, isOurs: isOurs, isDenied: !isOurs && others.contains(id), at: now)
            }
        case .failure(let failure):
            renewing.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter)
            note(failure, of: .renew, at: now)
        }
        for id in lost.sorted() {
            if result.failure?.kind ?? .transient == .transient { mayBeReserved(id, at: now) }
            renewalSettled(ofReturning: id, isOurs: false, isDenied: false, at: now)
        }
    }

    private mutating func renewed(_ id: JobID, isOurs: Bool, isDenied: Bool, at now: Duration) {
        guard let entry = ledger[id] else { return }
        switch entry.stage {
        case .waiting where !isOurs && (isDenied || entry.reservedUntil <= now):
            // Cancelled, or somebody else's by now.
            log(.info, "The reservation is gone; the job is not launched", id)
            release(id, at: now)
        case .launched where isDenied && entry.reservedUntil <= now && entry.isSeenReserved:
            doubt(id, "is reserved for another stack", at: now)
        case .confirming(let outcome):
            confirmed(id, outcome, isOurs: isOurs, isDenied: isDenied, at: now)
        case .returning:
            renewalSettled(ofReturning: id, isOurs: isOurs, isDenied: isDenied, at: now)
        default: break
        }
    }
}
