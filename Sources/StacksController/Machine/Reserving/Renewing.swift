import Logging
import StacksAPI

/// Renews reservations of jobs that wait, launch, or are to be reported on, long before they expire.
///
/// After its reservation has expired, a launched job is renewed only if Buildkite has last shown it as reserved: the response
/// then says for which stack. Otherwise its token is dead as well.
struct Renewing {
    /// What the response to a renewal says about a job.
    enum Verdict {
        /// It is reserved for this stack.
        case ours
        /// It is not.
        case denied
        /// The response leaves it out.
        case unsaid
        /// Buildkite refuses every request to renew it.
        case refused
    }

    private(set) var pacing = Pacing()
    /// When the last renewal was requested.
    private var askedAt: Duration = .zero
    private var batches = JobBatches()

    private func isWanted(_ shared: SharedState, _ reports: FailureReports) -> Bool {
        let ledger = shared.ledger
        let isNeeded =
            !(ledger.watched.isEmpty && ledger.awaitingToken.isEmpty && ledger.ended.isEmpty && reports.isEmpty)
        return !shared.isCutOff && (isNeeded || !ledger.confirming.isEmpty)
    }

    func wakeAt(_ shared: SharedState, _ reports: FailureReports) -> Duration? {
        pacing.due(if: isWanted(shared, reports))
    }

    mutating func begin(_ shared: SharedState) { pacing.due = shared.now + shared.configuration.watchInterval }

    mutating func advance(_ shared: inout SharedState, reports: FailureReports) {
        let now = shared.now
        if shared.needsRenewal {
            shared.needsRenewal = false
            if pacing.failures == 0 { pacing.due = min(pacing.due, now) }
        }
        guard pacing.isDue(at: now) else { return }
        pacing.due = now + shared.configuration.watchInterval
        guard shared.phase == .running || shared.phase == .draining, isWanted(shared, reports) else { return }
        let ledger = shared.ledger
        let soon = now + shared.configuration.reservationExpiry / 2
        func expires(_ id: JobID) -> Bool {
            guard let entry = ledger[id], entry.reservedUntil < soon, !entry.isRenewalRefused else { return false }
            switch entry.stage {
            case .awaitingToken: return true
            case .launched: return entry.reservedUntil > now || entry.isSeenReserved
            case .ended, .finishing: return entry.reservedUntil > now && !entry.isReportRefused
            default: return false
            }
        }
        var asked = (ledger.awaitingToken.sorted() + ledger.watched.sorted() + ledger.ended.sorted()).filter(expires)
        asked += reports.jobs.filter(expires) + ledger.confirming.sorted()
        guard !asked.isEmpty else { return }
        asked = batches.next(of: asked)
        pacing.isInFlight = true
        askedAt = now
        shared.ledger.renewing = Set(asked)
        shared.asks(.renew(asked))
    }

    /// Records the response to a renewal. Returns a verdict for each job that it is about, `unsaid` for those that it leaves out.
    mutating func renewed(
        _ asked: [JobID], _ result: Result<Reservation, CallFailure>, _ failed: FailedParts,
        _ shared: inout SharedState
    ) -> [(id: JobID, verdict: Verdict)] {
        let renewing = shared.ledger.renewing
        shared.ledger.renewing = []
        var verdicts: [(id: JobID, verdict: Verdict)] = []
        var unheard = renewing
        switch result {
        case .success(let response):
            let heard = asked.filter { !failed.jobs.contains($0) }
            shared.succeeded(.renew)
            // What a renewal is to confirm since this one was sent.
            let isNeeded = !shared.ledger.confirming.isSubset(of: renewing)
            pace(failed.failure, isNeeded: isNeeded, &shared)
            unheard.subtract(heard)
            let (ours, others) = (Set(response.reserved), Set(response.notReserved))
            for id in heard {
                let verdict: Verdict = ours.contains(id) ? .ours : others.contains(id) ? .denied : .unsaid
                if verdict == .ours { shared.noteReserved(id, since: askedAt) }
                verdicts.append((id, verdict))
            }
        case .failure(let failure):
            pacing.failed(at: shared.now, retryAfter: failure.retryAfter, jitter: &shared.jitter)
            shared.note(failure, of: .renew)
            guard failure.kind == .rejected else { break }
            // One job is at fault: it is looked for with smaller requests, so that the others' reservations are renewed.
            let id = batches.refused()
            // One that is alone, and perhaps not at fault, is retried later and later.
            if id != nil || !batches.isAlone { pacing.succeeded(next: shared.now + BatchLimit.pauseAfterRefusal) }
            if let id {
                shared.ledger.update(id) { $0.isRenewalRefused = true }
                shared.log(.warning, "Buildkite refuses every request to renew the reservation of this job", id)
                verdicts.append((id, .refused))
            }
        }
        for id in unheard.sorted() {
            if result.failure?.kind ?? .transient == .transient { shared.noteMayBeReserved(id) }
            shared.renewalSettled(ofReturning: id, .unsaid)
        }
        return verdicts
    }

    /// Decides when the next renewal is made, after a response.
    ///
    /// - Parameters:
    ///   - failure: Why a part of the request has failed, if one has.
    ///   - isNeeded: Whether another one is needed soon.
    private mutating func pace(_ failure: CallFailure?, isNeeded: Bool, _ shared: inout SharedState) {
        guard let failure else {
            let isEnough = batches.accepted() && !isNeeded
            return pacing.succeeded(
                next: shared.now + (isEnough ? shared.configuration.watchInterval : JobBatches.pause))
        }
        shared.note(failure, of: .renew)
        guard failure.kind == .rejected else {
            return pacing.failed(at: shared.now, retryAfter: failure.retryAfter, jitter: &shared.jitter)
        }
        batches.partWasRefused()
        pacing.succeeded(next: shared.now + BatchLimit.pauseAfterRefusal)
    }
}
