import StacksAPI

/// What the controller knows of the jobs that it has anything to do with, and how many slots they take.
///
/// Sets of the jobs in the stages that are processed as a whole are kept beside the jobs, so that no step costs more
/// than the jobs it is about. Whoever makes a request of such a set sorts it, so that the machine does the same
/// for the same events.
struct JobLedger {
    /// The life of a job here.
    enum Stage: Hashable {
        /// Requested; the response has not arrived, or was lost.
        case reserving
        /// Reserved, without a token.
        case awaitingToken
        /// A token is being issued.
        case issuing
        /// The launcher runs; no agent has the job as far as is known.
        case launched
        /// An agent has the job.
        case started
        /// The launcher was told to stop, and has not ended.
        case stopping(StopReason)
        /// The launcher has ended; whether an agent had taken the job is not known.
        case ended(LaunchOutcome)
        /// The launcher has ended and the job is reserved; a renewal is to tell whether it is so for this stack.
        case confirming(LaunchOutcome)
        /// Being finished with an error.
        case finishing
        /// Let go of, but it may still be reserved for this stack.
        case returning
    }

    /// Why a launcher was told to stop, which decides what is done with its job afterwards.
    enum StopReason: Hashable {
        /// The job was cancelled before an agent took it.
        case cancelled
        /// The job is no longer known, or its reservation has expired.
        case notOurs
        /// No agent took the job in the time that there is for it.
        case tooSlow
        /// The job has long been over, and the launcher has not noticed.
        case over
    }

    struct Entry {
        /// The job as it was listed; `nil` for one that was found running.
        var job: ScheduledJob?
        var stage: Stage
        /// When it came to its stage.
        var since: Duration
        /// When it was listed first.
        var listedAt: Duration
        /// When it was launched, or found running.
        var launchedAt: Duration = .zero
        /// Until when the reservation holds for certain: only so long may anything be done to the job on Buildkite. It is
        /// counted from when it was requested; zero while nothing says that the job is this stack's.
        var reservedUntil: Duration = .zero
        /// The latest time at which the reservation can still hold, counted from the response, or from when that was lost. The job
        /// takes a slot until then.
        var mayBeReservedUntil: Duration = .zero
        /// Whether the job was reserved when its state was last seen. After ``reservedUntil`` that may be for another
        /// stack.
        var isSeenReserved = false
        /// Until when an agent may take it: its token's end, or the start time-out.
        var startBy: Duration = .zero
        /// Whether the job was still only reserved in the last response after that.
        var isLate = false
        /// How many responses in a row say that the job is no longer there, or no longer ours.
        var doubts = 0
        /// When the first of them came.
        var doubtedSince: Duration = .zero
        /// Whether it was missing from the last response about it.
        var isMissing = false
        /// Since when the job is known to be over although its launcher runs.
        var overSince: Duration?
        /// How many calls are out that give it back.
        var giveBacks = 0
        /// Whether it was found running, and its launcher cannot say when it ends.
        var isUnattended = false
        /// What Buildkite is told of its end, once that was sent.
        var report: (status: Int, detail: String)?
        /// Whether that was refused: the reservation is not renewed any more, so that it is not told for ever.
        var isReportRefused = false

        /// Whether Buildkite refuses to renew its reservation.
        var isRenewalRefused = false

        /// Whether its launcher has ended as one does that has failed: what became of the job is not known yet.
        var seemsToHaveFailed: Bool {
            guard case .ended(let outcome) = stage else { return false }
            return outcome.exitStatus != JobExit.success.status && !outcome.isNotAcquired
        }

        /// Whether a launcher runs for it.
        var hasLauncher: Bool {
            switch stage {
            case .launched, .started, .stopping: !isUnattended
            default: false
            }
        }
    }

    private var entries: [JobID: Entry] = [:]
    /// How many jobs it has ever had.
    private(set) var taken = 0
    private(set) var launchers = 0
    private(set) var finishing = 0
    /// Jobs that were launched, or found running, and that no agent has taken as far as is known.
    private(set) var notStarted: Set<JobID> = []
    private(set) var stopping = 0
    /// Reserved jobs without a token.
    private(set) var awaitingToken: Set<JobID> = []
    /// Jobs whose state is requested at intervals.
    private(set) var watched: Set<JobID> = []
    /// Jobs whose launcher has ended before an agent was seen to have them.
    private(set) var ended: Set<JobID> = []
    /// Jobs whose launcher has ended, and of which a renewal is to say whether they are this stack's.
    private(set) var confirming: Set<JobID> = []
    /// Jobs that were let go of and may still be reserved.
    private(set) var returning: Set<JobID> = []
    /// Jobs for which a renewal is out, those too that have left the ledger since.
    var renewing: Set<JobID> = []

    var isEmpty: Bool { entries.isEmpty }

    /// How many slots are taken. Every job takes one, from the question for it until it is settled or its reservation has
    /// certainly expired: otherwise launchers that fail fast would reserve far more jobs than can be reported on.
    var occupied: Int { entries.count }

    /// How many jobs are reserved, or being reserved, and have not been launched.
    var reserved: Int { occupied - watched.count - stopping - settling }

    /// How many jobs an agent has, as far as is known.
    var running: Int { watched.count - notStarted.count }

    /// How many jobs' ends are still to be found out or reported.
    var unsettled: Int { ended.count + confirming.count + finishing }

    /// How many jobs no longer have a launcher and are not settled.
    var settling: Int { unsettled + returning.count }

    subscript(id: JobID) -> Entry? { entries[id] }

    func contains(_ id: JobID) -> Bool { entries[id] != nil }

    /// Goes through the jobs, in no order.
    func forEach(_ body: (JobID, Entry) -> Void) { for (id, entry) in entries { body(id, entry) } }

    mutating func insert(_ id: JobID, job: ScheduledJob?, stage: Stage, at now: Duration, listedAt: Duration? = nil) {
        remove(id)
        taken += 1
        let entry = Entry(job: job, stage: stage, since: now, listedAt: listedAt ?? now)
        entries[id] = entry
        count(id, entry, by: 1)
    }

    /// Records a job that was found running. Whether an agent has it, or for whom it is reserved, is not known yet:
    /// nothing is done to it before.
    mutating func insertFound(_ id: JobID, _ configuration: StackController.Configuration, at now: Duration) {
        insert(id, job: nil, stage: .launched, at: now)
        update(id) { entry in
            entry.launchedAt = now
            entry.mayBeReservedUntil = now + configuration.reservationExpiry
            entry.startBy = now + configuration.startLimit()
        }
    }

    /// The jobs that wait for a token, by priority, then age, then name: the same story gives the same requests.
    func nextToLaunch(_ limit: Int) -> [JobID] {
        let candidates = awaitingToken.map { id in
            (priority: self[id]?.job?.priority ?? 0, listedAt: self[id]?.listedAt ?? .zero, id: id)
        }
        return candidates.sorted { ($1.priority, $0.listedAt, $0.id) < ($0.priority, $1.listedAt, $1.id) }
            .prefix(limit).map(\.id)
    }

    mutating func move(_ id: JobID, to stage: Stage, at now: Duration) {
        update(id) { entry in
            entry.stage = stage
            entry.since = now
            entry.doubts = 0
        }
    }

    mutating func update(_ id: JobID, _ change: (inout Entry) -> Void) {
        guard var entry = entries[id] else { return }
        let before = entry
        change(&entry)
        entries[id] = entry
        guard entry.stage != before.stage || entry.hasLauncher != before.hasLauncher else { return }
        count(id, before, by: -1)
        count(id, entry, by: 1)
    }

    @discardableResult
    mutating func remove(_ id: JobID) -> Entry? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        count(id, entry, by: -1)
        return entry
    }

    private mutating func count(_ id: JobID, _ entry: Entry, by step: Int) {
        if entry.hasLauncher { launchers += step }
        switch entry.stage {
        case .reserving, .issuing: break
        case .finishing: finishing += step
        case .awaitingToken:
            if step > 0 { awaitingToken.insert(id) } else { awaitingToken.remove(id) }
        case .launched, .started:
            if entry.stage == .launched {
                if step > 0 { notStarted.insert(id) } else { notStarted.remove(id) }
            }
            if step > 0 { watched.insert(id) } else { watched.remove(id) }
        case .stopping: stopping += step
        case .ended:
            if step > 0 { ended.insert(id) } else { ended.remove(id) }
        case .confirming:
            if step > 0 { confirming.insert(id) } else { confirming.remove(id) }
        case .returning:
            if step > 0 { returning.insert(id) } else { returning.remove(id) }
        }
    }
}
