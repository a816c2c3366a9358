import Logging
import StacksAPI

/// Reserves the best of the jobs that wait, as many as there are slots.
struct Reserving {
    /// The shortest time between two reservations: the rate that Buildkite allows.
    private static let shortestInterval = Duration.milliseconds(100)

    /// How long jobs are kept of which no response says whether they are reserved.
    private static let longestUncertainty = Duration.seconds(30)

    private(set) var pacing = Pacing()
    /// Requested, and the response was lost: they may be reserved for this stack and no longer listed.
    private(set) var uncertain: [JobID] = []
    /// How many jobs one request is for; fewer after a request that was not accepted.
    private var limit = BatchLimit()
    /// When the last reservation was requested: it holds from some time after that.
    private var askedAt: Duration = .zero

    /// When something may be reserved next; `nil` when nothing is to be.
    func wakeAt(
        _ shared: SharedState, polling: Polling, launcher: LauncherHealth, launching: Launching, isStackKnown: Bool
    ) -> Duration? {
        guard shared.phase == .running, isStackKnown, !shared.configuration.isDryRun, !pacing.isInFlight,
            let due = nextRequest(shared, launching)
        else { return nil }
        let freeSlots = usableSlots(shared.freeSlots, shared, launcher: launcher, launching: launching, at: due)
        // Where there are more jobs than slots, the best of the list as far as it is read at once are chosen.
        let isChoosing = polling.isChoosing && polling.backlog.count >= freeSlots
        let isAnyWaiting = !polling.isPaused && !polling.backlog.isEmpty && freeSlots > 0 && !isChoosing
        return !uncertain.isEmpty || isAnyWaiting ? due : nil
    }

    /// When the next request may be made; `nil` while a response has to come first.
    private func nextRequest(_ shared: SharedState, _ launching: Launching) -> Duration? {
        guard launching.triesOneJob(shared) else { return pacing.due }
        // What gets no token would be given back again: one job shows when that is over.
        guard shared.ledger.awaitingToken.isEmpty, !launching.pacing.isInFlight else { return nil }
        return max(pacing.due, launching.pacing.due)
    }

    /// How many of so many slots could be used for jobs that are reserved at `time`: all while everything works, and none
    /// while a failure is waited out, so that others may have them.
    func usableSlots(
        _ slots: Int, _ shared: SharedState, launcher: LauncherHealth, launching: Launching, at time: Duration
    ) -> Int {
        let usable = launcher.usable(slots, shared.ledger)
        if launching.triesOneJob(shared) {
            guard !pacing.isInFlight, uncertain.isEmpty, let due = nextRequest(shared, launching), due <= time else {
                return 0
            }
            return min(usable, 1)
        }
        let isWaitingAfterFailure = pacing.failures > 0 && !pacing.isInFlight && pacing.due > time
        return isWaitingAfterFailure ? 0 : usable
    }

    /// When slots that are of no use now may be of use, if nothing happens before.
    func slotsAreUsableAt(_ shared: SharedState, launching: Launching) -> Duration? {
        guard shared.phase == .running, !pacing.isInFlight, pacing.failures > 0 || launching.triesOneJob(shared),
            let due = nextRequest(shared, launching), due > shared.now
        else { return nil }
        return due
    }

    mutating func advance(
        _ shared: inout SharedState, from polling: inout Polling, launcher: LauncherHealth, launching: Launching,
        isStackKnown: Bool
    ) {
        let due = wakeAt(shared, polling: polling, launcher: launcher, launching: launching, isStackKnown: isStackKnown)
        guard let due, due <= shared.now else { return }
        let freeSlots = usableSlots(
            shared.freeSlots, shared, launcher: launcher, launching: launching, at: shared.now)
        let limit = launching.triesOneJob(shared) ? 1 : limit.count
        // First those of which it is not known whether they are reserved already; they hold their slots.
        var asked = Array(uncertain.prefix(limit))
        uncertain.removeFirst(asked.count)
        if !polling.isPaused {
            for job in polling.backlog.takeFirst(min(freeSlots, limit - asked.count))
            where !shared.ledger.contains(job.id) && !shared.givingBack.isCooling(job.id, at: shared.now) {
                let listedAt = polling.reading.firstListed(job.id)
                shared.ledger.insert(job.id, job: job, stage: .reserving, at: shared.now, listedAt: listedAt)
                asked.append(job.id)
            }
        }
        guard !asked.isEmpty else { return }
        pacing.isInFlight = true
        askedAt = shared.now
        shared.asks(.reserve(asked))
    }

    mutating func reserved(
        _ asked: [JobID], _ result: Result<Reservation, CallFailure>, _ shared: inout SharedState, isPaused: Bool
    ) {
        let asked = asked.filter { shared.ledger[$0]?.stage == .reserving }
        switch result {
        case .success(let response):
            pacing.succeeded(next: shared.now + Self.shortestInterval)
            limit.accepted(asked.count)
            shared.succeeded(.reserve)
            succeeded(asked, response, &shared, isPaused: isPaused)
        case .failure(let failure):
            pacing.failed(at: shared.now, retryAfter: failure.retryAfter, jitter: &shared.jitter)
            failed(asked, failure, &shared)
            shared.note(failure, of: .reserve)
        }
    }

    private func succeeded(
        _ asked: [JobID], _ response: Reservation, _ shared: inout SharedState, isPaused: Bool
    ) {
        let (ours, others) = (Set(response.reserved), Set(response.notReserved))
        var leftOut = 0
        for id in asked {
            if ours.contains(id) {
                shared.totals.reserved += 1
                shared.tell(id, .reserved)
                shared.noteReserved(id, since: askedAt)
                if shared.phase == .running, !isPaused {
                    shared.ledger.move(id, to: .awaitingToken, at: shared.now)
                } else {
                    shared.letGo(id, isPaused ? .paused : .ending)
                }
            } else if others.contains(id) {
                shared.ledger.remove(id)
                shared.totals.notReserved += 1
                shared.givingBack.cool(id, .denied, at: shared.now)
            } else {
                // It may be reserved: giving it back makes sure that it is not for long.
                leftOut += 1
                shared.noteMayBeReserved(id)
                shared.letGo(id, .unclear)
            }
        }
        guard leftOut > 0 else { return }
        shared.log(
            .warning, "The response leaves out \(leftOut) of the requested jobs; giving them back")
    }

    private mutating func failed(_ asked: [JobID], _ failure: CallFailure, _ shared: inout SharedState) {
        switch failure.kind {
        case .transient, .rateLimited:
            if failure.kind == .transient { for id in asked { shared.noteMayBeReserved(id) } }
            guard shared.phase == .running else {
                for id in asked { shared.letGo(id, .ending) }
                return
            }
            // Others may be able to start what this stack cannot learn of for long.
            let now = shared.now
            let isOver = asked.map { now - (shared.ledger[$0]?.since ?? now) >= Self.longestUncertainty }
            uncertain = zip(asked, isOver).filter { !$0.1 }.map(\.0) + uncertain
            for (id, isOver) in zip(asked, isOver) where isOver { shared.letGo(id, .unclear, coolFor: .unissued) }
        case .rejected:
            // The jobs are left to the next poll, and asked for in smaller batches until it is found which of them it is,
            // so that one job does not keep all others from being reserved.
            pacing.succeeded(next: shared.now + BatchLimit.pauseAfterRefusal)
            let isFound = !limit.refused(asked.count)
            for id in asked {
                shared.expire(id)
                if isFound { shared.givingBack.cool(id, .refused, at: shared.now) }
            }
        case .unauthorized, .forbidden, .notFound:
            for id in asked { shared.expire(id) }
        }
    }

    /// Lets go of the jobs that may be reserved. Those in flight are given back when the response comes.
    mutating func letGoOfUncertain(_ reason: ReturnReason, _ shared: inout SharedState) {
        for id in uncertain { shared.letGo(id, reason) }
        uncertain = []
    }
}

extension SharedState {
    /// Records that the job is reserved for this stack, by a request that was made at `sent`.
    mutating func noteReserved(_ id: JobID, since sent: Duration) {
        let (now, expiry) = (now, configuration.reservationExpiry)
        ledger.update(id) { entry in
            entry.reservedUntil = sent + expiry
            entry.mayBeReservedUntil = now + expiry
        }
    }

    /// Records that a request to reserve the job may have been heard.
    mutating func noteMayBeReserved(_ id: JobID) {
        let until = now + configuration.reservationExpiry
        ledger.update(id) { $0.mayBeReservedUntil = until }
    }
}
