import StacksAPI
import StacksTransport

/// What a job's page shows until an agent has the job.
enum JobNotice {
    /// Every slot is taken; how many there are, unless they are shared with other stacks.
    case waitsForSlot(slots: Int?)
    /// Buildkite issues no token for the job, or for any.
    case waitsForToken
    /// The launcher can start nothing, for a reason of its own.
    case waitsForLauncher(String)
    /// Launches end before an agent has taken their job, and this is how the last one ended.
    case waitsWhileLaunchesFail(String)
    case reserved
    case launching
    case givenBack(ReturnReason)

    /// One short line. What a launcher says in it is cropped, and its control characters are escaped.
    func text(stack: String) -> String {
        let text =
            switch self {
            case .waitsForSlot(let slots):
                "waiting for a slot (\(slots == 1 ? "the one slot is" : "all\(slots.map { " \($0)" } ?? "") are") taken)"
            case .waitsForToken: "waiting: Buildkite issues no token at the moment"
            case .waitsForLauncher(let message): Words.cannotStart(message)
            case .waitsWhileLaunchesFail(let message): "waiting: \(Words.launchesFail(message))"
            case .reserved: "reserved"
            case .launching: "launching an agent"
            case .givenBack(let reason): "given back, because \(reason.text)"
            }
        return VisibleText.escaped("Stack \(stack): \(text)", limit: Self.maximumLength)
    }

    /// In Unicode scalars, the mark of a cropped text left out. The API takes 256 characters.
    private static let maximumLength = 240

    fileprivate enum Words {
        static func cannotStart(_ message: String) -> String { "nothing can be started right now: \(message)" }

        static func launchesFail(_ message: String) -> String {
            "launches end before an agent has taken the job: \(message)"
        }
    }
}

/// Why a job is given back to Buildkite.
enum ReturnReason {
    /// The controller ends.
    case ending
    case paused
    case noToken
    /// The launcher can start nothing, for a reason of its own.
    case cannotStart(String)
    /// Launches end before an agent has taken their job, and this is how the last one ended.
    case launchesFail(String)
    /// No agent took the job in the time that there is for it.
    case noAgent
    /// The agent could not acquire the job.
    case notAcquired
    /// Its command ended with 28: its agent found it locked, or what was started for it before is still there.
    case locked
    /// What is known of the job contradicts itself, or too little is known of it.
    case unclear

    fileprivate var text: String {
        switch self {
        case .ending: "the stack is shutting down"
        case .paused: "the queue is paused"
        case .noToken: "Buildkite issued no token for it"
        case .cannotStart(let message): JobNotice.Words.cannotStart(message)
        case .launchesFail(let message): JobNotice.Words.launchesFail(message)
        case .noAgent: "no agent took it in time"
        case .notAcquired: "its agent could not acquire it"
        case .locked: "it is locked, or something that was started for it before is in its way"
        case .unclear: "it is not certain whether it is still reserved"
        }
    }
}

/// The notices without their values: each kind is shown once for a job.
private enum NoticeKind: UInt8, CaseIterable {
    case waitsForSlot, waitsForToken, waitsForLauncher, waitsWhileLaunchesFail, reserved, launching
    case ending, paused, noToken, cannotStart, launchesFail, noAgent, notAcquired, locked, unclear
}

/// Kinds of notices, in two bytes: it is kept for very many jobs.
private struct NoticeKinds {
    private var bits: UInt16 = 0

    /// Adds a kind, and returns whether it is new.
    mutating func insert(_ kind: NoticeKind) -> Bool {
        let before = bits
        bits |= 1 << kind.rawValue
        return bits != before
    }
}

extension JobNotice {
    fileprivate var kind: NoticeKind {
        switch self {
        case .waitsForSlot: .waitsForSlot
        case .waitsForToken: .waitsForToken
        case .waitsForLauncher: .waitsForLauncher
        case .waitsWhileLaunchesFail: .waitsWhileLaunchesFail
        case .reserved: .reserved
        case .launching: .launching
        case .givenBack(let reason): reason.kind
        }
    }
}

extension ReturnReason {
    fileprivate var kind: NoticeKind {
        switch self {
        case .ending: .ending
        case .paused: .paused
        case .noToken: .noToken
        case .cannotStart: .cannotStart
        case .launchesFail: .launchesFail
        case .noAgent: .noAgent
        case .notAcquired: .notAcquired
        case .locked: .locked
        case .unclear: .unclear
        }
    }
}

/// The notices shown on jobs' pages: each kind once for a job.
///
/// What was shown is remembered for a bounded number of jobs. When there are more those are forgotten that this controller has
/// not had to do with, and that no list has shown, for longest.
struct Notices {
    /// How many kinds there are, so that no job can have more.
    static let maximumPerJob = NoticeKind.allCases.count

    /// For how many jobs it is remembered what was shown: some megabytes.
    static let maximumJobs = 20_000

    private var shown: [JobID: (kinds: NoticeKinds, last: Duration)] = [:]

    /// For how many jobs it is remembered.
    var count: Int { shown.count }

    /// A list shows the job.
    mutating func lists(_ id: JobID, at now: Duration) {
        if shown[id] != nil { shown[id]?.last = now }
    }

    /// Records a notice, and returns whether it is new for the job.
    fileprivate mutating func insert(_ notice: JobNotice, of id: JobID, at now: Duration, _ ledger: JobLedger) -> Bool {
        if shown[id] == nil, shown.count >= Self.maximumJobs { forget(ledger) }
        let isNew = shown[id, default: (NoticeKinds(), now)].kinds.insert(notice.kind)
        shown[id]?.last = now
        return isNew
    }

    /// Forgets a quarter of the jobs, so that this is done rarely.
    private mutating func forget(_ ledger: JobLedger) {
        let old = shown.filter { !ledger.contains($0.key) }.sorted { ($0.value.last, $0.key) < ($1.value.last, $1.key) }
        for (id, _) in old.prefix(max(1, Self.maximumJobs / 4)) { shown[id] = nil }
    }
}

extension SharedState {
    /// Shows a notice on the job's page. Nothing depends on it.
    mutating func tell(_ id: JobID, _ notice: JobNotice) {
        guard configuration.notifiesJobs, !configuration.isDryRun, !isCutOff,
            notices.insert(notice, of: id, at: now, ledger)
        else { return }
        wants(.notify(id, notice.text(stack: configuration.stackKey)))
    }
}
