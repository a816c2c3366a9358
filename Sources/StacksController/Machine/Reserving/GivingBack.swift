import Logging
import StacksAPI

/// Lets go of jobs that are not to be launched, or no longer.
///
/// A job that is let go of stays in the ledger, and takes its slot, until the call that gives it back is over and its reservation
/// has certainly expired. So it is not reserved again while that call can still be repeated: a repetition would cut the new reservation
/// to a second. A list that was requested after that and shows the job ends the wait.
///
/// | | When | What is sent | When its slot is free |
/// | --- | --- | --- | --- |
/// | `letGo` | It is not to be launched, or its launch is over | A reservation of a second, while it is certainly this stack's | A second after that was received |
/// | `release` | Buildkite says that it is not reserved for this stack | Nothing | At once |
/// | `abandon` | Buildkite refuses every request about it | Nothing | When its reservation has expired |
/// | `expire` | The end of all three | Nothing | When its reservation has expired |
///
/// Each but the last leaves it alone for a while (`cool`), because the list may still show it.
struct GivingBack {
    /// How long a reservation holds that gives a job back.
    static let giveBackExpiry = Duration.seconds(1)

    /// Jobs to be given back at the end of the step, in one call.
    fileprivate var jobs: [JobID] = []
    /// How many calls are out that give jobs back.
    fileprivate(set) var callsInFlight = 0
    /// The earliest time at which the reservation of a job that was let go of expires.
    fileprivate(set) var nextExpiry: Duration?
    /// When the last job was let go of, or the reservation of such a job expired.
    fileprivate(set) var lastReturn: Duration = .zero
    private var cooling: [JobID: (until: Duration, why: Cooling)] = [:]
    /// How often the agents of jobs could not acquire them, in a controller that ends by itself.
    private var refusals: [JobID: Int] = [:]
    /// How often the commands of jobs have ended with 28, and when the last one did.
    private var locks: [JobID: (count: Int, last: Duration)] = [:]
    /// After how long it is forgotten that a job's command ended with 28.
    private static let lockMemory = Duration.seconds(1800)

    fileprivate mutating func expires(at time: Duration) { nextExpiry = min(nextExpiry ?? time, time) }

    // MARK: Cooling

    /// Why a job is left alone for some time although the list may show it.
    enum Cooling {
        /// It was given back, or let go of.
        case returned
        /// Buildkite did not reserve it for this stack.
        case denied
        /// Its agent found it locked, or what was started for it before is still there: it is scheduled again.
        case locked
        /// No token was issued for it.
        case unissued
        /// Its launcher has ended: the list can lag behind what is so.
        case ended
        /// Its launch ended before an agent had taken it, while launches fail.
        case untaken
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
            // Until launches succeed again, or every other job was tried too.
            case .untaken: .seconds(3600)
            }
        }
    }

    /// Leaves the job alone for some time: the list may show it although it has been dealt with.
    mutating func cool(_ id: JobID, _ why: Cooling, at now: Duration) { cooling[id] = (now + why.duration, why) }

    func isCooling(_ id: JobID, at now: Duration) -> Bool { cooling[id].map { $0.until > now } ?? false }

    /// Whether the job can be reserved once it has cooled, so that it is worth waiting for.
    func isWorthWaiting(for id: JobID, at now: Duration) -> Bool {
        cooling[id].map { $0.until > now && $0.why != .refused } ?? false
    }

    /// Whether any job is.
    func isAnyWorthWaitingFor(at now: Duration) -> Bool {
        cooling.values.contains { $0.until > now && $0.why != .refused }
    }

    /// How long a job is left alone that its agent could not acquire. A controller that ends by itself does not wait for the
    /// same job for ever: for some minutes, each time for as long as this says.
    mutating func cooling(after outcome: LaunchOutcome, of id: JobID, _ configuration: StackController.Configuration)
        -> Cooling
    {
        let usual: Cooling = outcome.isLocked ? .locked : .ended
        guard configuration.mode == .untilIdle else { return usual }
        refusals[id, default: 0] += 1
        return refusals[id, default: 0] < (outcome.isLocked ? 30 : 3) ? usual : .refused
    }

    /// No longer leaves alone what is left alone for this reason. Returns whether anything was.
    mutating func endCooling(_ why: Cooling) -> Bool {
        let count = cooling.count
        cooling = cooling.filter { $0.value.why != why }
        return cooling.count < count
    }

    /// Counts that a job's command has ended with 28, and returns how often it has, without half an hour between two times.
    mutating func countLocked(_ id: JobID, at now: Duration) -> Int {
        let count = (locks[id]?.count ?? 0) + 1
        locks[id] = (count, now)
        return count
    }

    mutating func forgetCooled(at now: Duration) {
        cooling = cooling.filter { $0.value.until > now }
        if !locks.isEmpty { locks = locks.filter { $0.value.last + Self.lockMemory > now } }
    }
}

extension SharedState {
    /// Lets go of a job. It is given back while it is certainly this stack's, or while it is not known whether a request to
    /// reserve it was heard; after that another stack may have it, and nothing is sent. Its page says why.
    mutating func letGo(_ id: JobID, _ reason: ReturnReason, coolFor cooling: GivingBack.Cooling = .returned) {
        guard let entry = ledger[id], entry.stage != .returning else { return }
        noteReturn(of: id, cooling)
        let isOurs = entry.reservedUntil > now || (entry.stage == .reserving && entry.mayBeReservedUntil > now)
        guard isOurs, !isCutOff else { return expire(id) }
        tell(id, .givenBack(reason))
        giveBack(id)
    }

    /// The job is not reserved for this stack, according to Buildkite.
    mutating func release(_ id: JobID, coolFor cooling: GivingBack.Cooling = .returned) {
        guard ledger.contains(id) else { return }
        noteReturn(of: id, cooling)
        ledger.update(id) { $0.mayBeReservedUntil = .zero }
        expire(id)
    }

    /// Buildkite refuses every request about the job: when it is reserved, its reservation expires.
    mutating func abandon(_ id: JobID) {
        guard ledger.contains(id) else { return }
        noteReturn(of: id, .refused)
        expire(id)
    }

    /// Removes a job about which nothing more is done: at once when it can no longer be reserved, and otherwise when its
    /// reservation has expired.
    mutating func expire(_ id: JobID) {
        guard let entry = ledger[id] else { return }
        let isBeingRenewed = ledger.renewing.contains(id)
        guard !isCutOff, isBeingRenewed || entry.mayBeReservedUntil > now else {
            ledger.remove(id)
            return
        }
        ledger.move(id, to: .returning, at: now)
        // A renewal in flight may reserve it again: its response decides.
        if !isBeingRenewed { givingBack.expires(at: entry.mayBeReservedUntil) }
    }

    private mutating func noteReturn(of id: JobID, _ cooling: GivingBack.Cooling) {
        totals.released += 1
        givingBack.cool(id, cooling, at: now)
        givingBack.lastReturn = now
    }

    private mutating func giveBack(_ id: JobID) {
        ledger.move(id, to: .returning, at: now)
        ledger.update(id) { $0.giveBacks += 1 }
        givingBack.jobs.append(id)
    }

    /// Sends what a step wants to give back, in one call.
    mutating func giveBackIfDue() {
        guard !givingBack.jobs.isEmpty else { return }
        givingBack.callsInFlight += 1
        asks(.giveBack(givingBack.jobs))
        log(.info, "Giving back \(givingBack.jobs.count) reserved jobs")
        givingBack.jobs = []
    }

    mutating func gaveBack(_ jobs: [JobID], _ failure: CallFailure?) {
        givingBack.callsInFlight -= 1
        if let failure, failure.kind == .rejected, jobs.count > 1 {
            // One job is at fault, and the others are to be given back all the same.
            wants(.failed(.giveBack, failure.kind))
            let half = jobs.count / 2
            for part in [jobs.prefix(half), jobs.dropFirst(half)] {
                givingBack.callsInFlight += 1
                asks(.giveBack(Array(part)))
            }
            return
        }
        for id in jobs {
            guard let entry = ledger[id], entry.stage == .returning else { continue }
            let soon = now + GivingBack.giveBackExpiry
            let until = failure == nil ? soon : max(soon, entry.mayBeReservedUntil)
            let now = now
            ledger.update(id) { entry in
                entry.giveBacks -= 1
                entry.since = now
                entry.mayBeReservedUntil = until
            }
            givingBack.expires(at: until)
        }
        guard let failure else { return }
        wants(.failed(.giveBack, failure.kind))
        log(.warning, "\(jobs.count) jobs could not be given back; their reservations expire: \(failure.message)")
    }

    /// The response to a renewal that was in flight when the job was let go of.
    mutating func renewalSettled(ofReturning id: JobID, _ verdict: Renewing.Verdict) {
        guard let entry = ledger[id], entry.stage == .returning else { return }
        if verdict == .ours, !isCutOff {
            // Which of the two came last is not known, so it is given back once more.
            giveBack(id)
        } else if verdict == .denied, entry.giveBacks == 0 {
            ledger.remove(id)
        } else {
            givingBack.expires(at: entry.mayBeReservedUntil)
        }
    }

    /// Frees the slots of jobs whose reservation has certainly expired.
    mutating func expireIfDue() {
        guard let due = givingBack.nextExpiry, due <= now else { return }
        givingBack.nextExpiry = nil
        for id in ledger.returning {
            guard let entry = ledger[id], entry.giveBacks == 0, !ledger.renewing.contains(id) else { continue }
            if entry.mayBeReservedUntil <= now {
                ledger.remove(id)
                givingBack.lastReturn = now
            } else {
                givingBack.expires(at: entry.mayBeReservedUntil)
            }
        }
    }

    /// Records that a list, which was requested at `sent`, shows the job, and returns whether the job can be reserved. One that
    /// was given back leaves the ledger by that, and its slot is free.
    mutating func noteListed(_ id: JobID, by sent: Duration) -> Bool {
        if let entry = ledger[id] {
            // Asked for after nothing more was on its way to the job, a list that shows it says that it was returned.
            guard entry.stage == .returning, entry.giveBacks == 0, !ledger.renewing.contains(id),
                entry.since + GivingBack.giveBackExpiry <= sent
            else { return false }
            ledger.remove(id)
        }
        return !givingBack.isCooling(id, at: now)
    }
}
