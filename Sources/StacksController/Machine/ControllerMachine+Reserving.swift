import Logging
import StacksAPI

extension ControllerMachine {
    /// The most jobs of one request (`job_uuids`).
    static let maximumBatch = 1000

    /// The shortest time between two reservations: the rate that Buildkite allows.
    private static let shortestReservationInterval = Duration.milliseconds(100)

    /// Between a request that was refused and a smaller one.
    static let pauseAfterRefusal = Duration.seconds(1)

    /// How long a job is left alone that Buildkite does not accept in a request.
    static let coolingOfRefused = Duration.seconds(600)

    var wantsReservation: Bool {
        guard phase == .running, !needsRegistration, !configuration.isDryRun else { return false }
        return !uncertain.isEmpty || (!isPaused && !backlog.isEmpty && freeSlots > 0)
    }

    mutating func reserveIfDue(at now: Duration) {
        // Without tokens nothing can be launched: jobs are left to others until a token is asked for again, for one job.
        if lacksTokens { reservation.putOff(to: issuing.due) }
        guard wantsReservation, reservation.isDue(at: now) else { return }
        let limit = lacksTokens ? 1 : reservationLimit.count
        // First those of which it is not known whether they are reserved already; they hold their slots.
        var asked = Array(uncertain.prefix(limit))
        uncertain.removeFirst(asked.count)
        if !isPaused {
            for job in backlog.takeFirst(min(freeSlots, limit - asked.count))
            where !ledger.contains(job.id) {
                let listedAt = reading.known[job.id]?.first
                ledger.insert(job.id, job: job, stage: .reserving, at: now, listedAt: listedAt)
                asked.append(job.id)
            }
        }
        guard !asked.isEmpty else { return }
        reservation.isInFlight = true
        actions.append(.reserve(asked))
    }

    mutating func reserved(_ asked: [JobID], _ result: Result<Reservation, CallFailure>, at now: Duration) {
        switch result {
        case .success(let answer):
            reservation.succeeded(next: now + Self.shortestReservationInterval)
            reservationLimit.accepted(asked.count)
            clearFailure(of: "reserve")
            var ours = Set(answer.reserved)
            var toGiveBack: [JobID] = []
            for id in asked where ledger[id]?.stage == .reserving {
                guard ours.remove(id) != nil else {
                    ledger.remove(id)
                    totals.notReserved += 1
                    cool(id, for: .seconds(2), at: now)
                    continue
                }
                totals.reserved += 1
                ledger.update(id) { $0.reservedUntil = now + configuration.reservationExpiry }
                if phase == .running, !isPaused {
                    ledger.move(id, to: .waiting, at: now)
                } else {
                    toGiveBack.append(id)
                }
            }
            giveBack(toGiveBack, at: now)
        case .failure(let failure):
            reservation.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter)
            switch failure.kind {
            case .transient, .rateLimited:
                let lost = asked.filter { ledger[$0]?.stage == .reserving }
                if phase == .running { uncertain = lost + uncertain } else { giveBack(lost, at: now) }
            case .rejected:
                // The jobs are left to the next poll, and asked for in smaller batches until it is found which of them
                // it is, so that one job does not keep all others from being reserved.
                reservation.succeeded(next: now + Self.pauseAfterRefusal)
                let isFound = !reservationLimit.refused(asked.count)
                for id in asked {
                    ledger.remove(id)
                    if isFound { cool(id, for: Self.coolingOfRefused, at: now) }
                }
            default:
                for id in asked { ledger.remove(id) }
            }
            note(failure, of: "reserve", at: now)
        }
    }

    // MARK: Keeping and giving back

    /// Renews reservations of jobs that wait or launch, long before they run out.
    mutating func renewIfDue(at now: Duration) {
        guard renewing.isDue(at: now) else { return }
        renewing.due = now + configuration.watchInterval
        guard phase == .running || phase == .draining else { return }
        let soon = now + configuration.reservationExpiry / 2
        let asked = (ledger.waiting.sorted() + ledger.watched.sorted()).filter { id in
            guard let entry = ledger[id], entry.stage != .started else { return false }
            return entry.reservedUntil < soon
        }
        guard !asked.isEmpty else { return }
        renewing.isInFlight = true
        actions.append(.renew(asked))
    }

    mutating func renewed(_ asked: [JobID], _ result: Result<Reservation, CallFailure>, at now: Duration) {
        switch result {
        case .success(let answer):
            renewing.succeeded(next: now + configuration.watchInterval)
            clearFailure(of: "renew")
            let ours = Set(answer.reserved)
            for id in asked {
                if ours.contains(id) {
                    ledger.update(id) { $0.reservedUntil = now + configuration.reservationExpiry }
                } else if ledger[id]?.stage == .waiting {
                    // Cancelled, or somebody else's by now. One that was launched is looked at by its state.
                    release(id, at: now)
                    log(.info, "The reservation is gone; the job is not launched", id)
                }
            }
        case .failure(let failure):
            renewing.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter)
            note(failure, of: "renew", at: now)
        }
    }

    /// Lets go of reserved jobs, so that they are scheduled again at once and not when the reservation runs out.
    mutating func giveBack(_ jobs: [JobID], at now: Duration, coolFor time: Duration = .seconds(5)) {
        guard !jobs.isEmpty else { return }
        for id in jobs { release(id, at: now, coolFor: time) }
        givingBack += 1
        actions.append(.giveBack(jobs))
        log(.info, "Giving back \(jobs.count) reserved jobs")
    }

    mutating func gaveBack(_ jobs: [JobID], _ failure: CallFailure?) {
        givingBack -= 1
        guard let failure else { return }
        actions.append(.failed(call: "give back", failure.kind))
        log(.warning, "\(jobs.count) jobs could not be given back; their reservation runs out: \(failure.message)")
    }

    /// The job is no longer ours.
    mutating func release(_ id: JobID, at now: Duration, coolFor time: Duration = .seconds(5)) {
        guard ledger.remove(id) != nil else { return }
        totals.released += 1
        cool(id, for: time, at: now)
    }

    /// Leaves the job alone for some time: the list may show it although it has been dealt with.
    mutating func cool(_ id: JobID, for time: Duration, at now: Duration) {
        cooling[id] = now + time
    }
}
