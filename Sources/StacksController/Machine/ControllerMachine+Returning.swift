import Logging
import StacksAPI

/// How a job is let go of that is not to be launched, or not any more.
///
/// It stays in the ledger, and takes its slot, until the call that gives it back is over and its reservation has certainly
/// run out. So it is not reserved again while that call can still be repeated: a repetition would cut the new reservation
/// to a second. A list that was asked for after that and shows the job ends the wait.
extension ControllerMachine {
    /// How long a reservation holds that gives a job back.
    static let giveBackExpiry = Duration.seconds(1)

    /// Lets go of a job. It is given back while it is certainly this stack's, or while it is not known whether a request to
    /// reserve it was heard; after that another stack may have it, and nothing is sent.
    mutating func letGo(_ id: JobID, at now: Duration, coolFor cooling: Cooling = .returned) {
        guard let entry = ledger[id], entry.stage != .returning else { return }
        totals.released += 1
        cool(id, cooling, at: now)
        returnedAt = now
        let isOurs = entry.reservedUntil > now || (entry.stage == .reserving && entry.mayBeReservedUntil > now)
        guard isOurs, !isCutOff else { return lapse(id, at: now) }
        giveBack(id, at: now)
    }

    /// The job is not reserved for this stack: Buildkite has said so.
    mutating func release(_ id: JobID, at now: Duration, coolFor cooling: Cooling = .returned) {
        guard ledger.contains(id) else { return }
        totals.released += 1
        cool(id, cooling, at: now)
        returnedAt = now
        ledger.update(id) { $0.mayBeReservedUntil = .zero }
        lapse(id, at: now)
    }

    /// Takes a job out that nothing more is done about: at once when it cannot be reserved any more, and otherwise when
    /// its reservation has run out.
    mutating func lapse(_ id: JobID, at now: Duration) {
        guard let entry = ledger[id] else { return }
        let isBeingRenewed = renewalInFlight.contains(id)
        guard !isCutOff, isBeingRenewed || entry.mayBeReservedUntil > now else {
            ledger.remove(id)
            return
        }
        ledger.move(id, to: .returning, at: now)
        // A renewal that is out may reserve it anew: its response tells, and is waited for.
        if !isBeingRenewed { note(lapseAt: entry.mayBeReservedUntil) }
    }

    private mutating func giveBack(_ id: JobID, at now: Duration) {
        ledger.move(id, to: .returning, at: now)
        ledger.update(id) { $0.giveBacks += 1 }
        returns.append(id)
    }

    /// Sends what a step wants to give back, in one call.
    mutating func giveBackIfDue() {
        guard !returns.isEmpty else { return }
        givingBack += 1
        actions.append(.request(.giveBack(returns)))
        log(.info, "Giving back \(returns.count) reserved jobs")
        returns = []
    }

    mutating func gaveBack(_ jobs: [JobID], _ failure: CallFailure?, at now: Duration) {
        givingBack -= 1
        for id in jobs {
            guard let entry = ledger[id], entry.stage == .returning else { continue }
            let soon = now + Self.giveBackExpiry
            let until = failure == nil ? soon : max(soon, entry.mayBeReservedUntil)
            ledger.update(id) { entry in
                entry.giveBacks -= 1
                entry.since = now
                entry.mayBeReservedUntil = until
            }
            note(lapseAt: until)
        }
        guard let failure else { return }
        actions.append(.failed(.giveBack, failure.kind))
        log(.warning, "\(jobs.count) jobs could not be given back; their reservation runs out: \(failure.message)")
    }

    /// What a renewal that was out when the job was let go of has done with it.
    mutating func renewalSettled(ofReturning id: JobID, isOurs: Bool, isDenied: Bool, at now: Duration) {
        guard let entry = ledger[id], entry.stage == .returning else { return }
        if isOurs, !isCutOff {
            // Which of the two came last is not known, so it is given back once more.
            giveBack(id, at: now)
        } else if isDenied, entry.giveBacks == 0 {
            ledger.remove(id)
        } else {
            note(lapseAt: entry.mayBeReservedUntil)
        }
    }

    // MARK: When a reservation has run out

    private mutating func note(lapseAt time: Duration) { nextLapse = min(nextLapse ?? time, time) }

    /// Frees the slots of jobs whose reservation has certainly run out.
    mutating func lapseIfDue(at now: Duration) {
        guard let due = nextLapse, due <= now else { return }
        nextLapse = nil
        for id in ledger.returning {
            guard let entry = ledger[id], entry.giveBacks == 0, !renewalInFlight.contains(id) else { continue }
            if entry.mayBeReservedUntil <= now {
                ledger.remove(id)
                returnedAt = now
            } else {
                note(lapseAt: entry.mayBeReservedUntil)
            }
        }
    }

    /// Whether a job that a page shows can be reserved.
    mutating func canTake(_ id: JobID, at now: Duration) -> Bool {
        if let entry = ledger[id] {
            // Asked for after nothing more was on its way to the job, a list that shows it says that it was returned.
            guard entry.stage == .returning, entry.giveBacks == 0, !renewalInFlight.contains(id),
                entry.since + Self.giveBackExpiry <= reading.sentAt
            else { return false }
            ledger.remove(id)
        }
        return !isCooling(id, at: now)
    }

    // MARK: Cooling

    /// Why a job is left alone for some time although the list may show it.
    enum Cooling {
        /// It was given back, or let go of.
        case returned
        /// Buildkite did not reserve it for this stack.
        case denied
        /// Its agent found it locked: it is scheduled again.
        case locked
        /// No token was issued for it.
        case unissued
        /// Its launcher has ended: the list can lag behind what is so.
        case ended
        /// Buildkite does not accept it in a request.
        case refused

        var duration: Duration {
            switch self {
            case .returned: .seconds(5)
            case .denied: .seconds(2)
            case .locked: .seconds(10)
            case .unissued: .seconds(30)
            case .ended: .seconds(60)
            case .refused: .seconds(600)
            }
        }
    }

    func isCooling(_ id: JobID, at now: Duration) -> Bool { cooling[id].map { $0.until > now } ?? false }

    /// Whether the job can be had once it has cooled, so that it is worth waiting for.
    func isWorthWaiting(for id: JobID, at now: Duration) -> Bool {
        cooling[id].map { $0.until > now && $0.why != .refused } ?? false
    }

    /// Leaves the job alone for some time: the list may show it although it has been dealt with.
    mutating func cool(_ id: JobID, _ why: Cooling, at now: Duration) {
        cooling[id] = (now + why.duration, why)
    }
}
