import StacksAPI

/// What the controller knows of the jobs that it has anything to do with, and how many slots they take.
///
/// Sets of the jobs in the stages that are looked at as a whole are kept beside the jobs, so that no step costs more
/// than the jobs it is about. Whoever makes a request of such a set sorts it, so that the machine does the same
/// whenever it is told the same.
struct JobLedger {
    /// The life of a job here.
    enum Stage: Hashable {
        /// Asked for; the answer is out, or was lost.
        case reserving
        /// Reserved, without a token.
        case waiting
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
        /// Being finished with an error.
        case finishing

        /// Whether the job takes a slot: everything from the question for it to the launcher's end.
        var takesSlot: Bool {
            switch self {
            case .reserving, .waiting, .issuing, .launched, .started, .stopping: true
            case .ended, .finishing: false
            }
        }
    }

    /// Why a launcher was told to stop, which decides what is made of its job afterwards.
    enum StopReason: Hashable {
        /// The job was cancelled before an agent took it.
        case cancelled
        /// The job is not known any more, or its reservation has run out.
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
        /// Until when the reservation holds at least.
        var reservedUntil: Duration = .zero
        /// How many answers in a row said that the job is no longer there, or no longer ours.
        var doubts = 0
        /// Since when the job is known to be over although its launcher runs.
        var overSince: Duration?
        /// Whether it was found running, and its launcher cannot say when it ends.
        var isUnattended = false

        /// Whether a launcher runs for it.
        var hasLauncher: Bool {
            switch stage {
            case .launched, .started, .stopping: !isUnattended
            default: false
            }
        }
    }

    private var entries: [JobID: Entry] = [:]
    private(set) var occupied = 0
    private(set) var launchers = 0
    private(set) var reserving = 0
    private(set) var finishing = 0
    private(set) var launching = 0
    private(set) var stopping = 0
    /// Reserved jobs without a token.
    private(set) var waiting: Set<JobID> = []
    /// Jobs whose state is looked at from time to time.
    private(set) var watched: Set<JobID> = []
    /// Jobs whose launcher has ended before an agent was seen to have them.
    private(set) var ended: Set<JobID> = []

    var isEmpty: Bool { entries.isEmpty }

    subscript(id: JobID) -> Entry? { entries[id] }

    func contains(_ id: JobID) -> Bool { entries[id] != nil }

    mutating func insert(_ id: JobID, job: ScheduledJob?, stage: Stage, at now: Duration, listedAt: Duration? = nil) {
        remove(id)
        let entry = Entry(job: job, stage: stage, since: now, listedAt: listedAt ?? now)
        entries[id] = entry
        count(id, entry, by: 1)
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
        if entry.stage.takesSlot { occupied += step }
        if entry.hasLauncher { launchers += step }
        switch entry.stage {
        case .reserving: reserving += step
        case .issuing: break
        case .finishing: finishing += step
        case .waiting:
            if step > 0 { waiting.insert(id) } else { waiting.remove(id) }
        case .launched, .started:
            if entry.stage == .launched { launching += step }
            if step > 0 { watched.insert(id) } else { watched.remove(id) }
        case .stopping: stopping += step
        case .ended:
            if step > 0 { ended.insert(id) } else { ended.remove(id) }
        }
    }
}
