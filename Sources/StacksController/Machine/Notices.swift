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
        case .locked: "it was locked when its agent tried to acquire it"
        case .unclear: "it is not certain whether it is still reserved"
        }
    }
}

/// The notices without their values: each kind is shown once for a job.
private struct NoticeKinds: OptionSet {
    var rawValue: UInt16

    static let waitsForSlot = Self(rawValue: 1 << 0)
    static let waitsForToken = Self(rawValue: 1 << 1)
    static let waitsForLauncher = Self(rawValue: 1 << 2)
    static let waitsWhileLaunchesFail = Self(rawValue: 1 << 3)
    static let reserved = Self(rawValue: 1 << 4)
    static let launching = Self(rawValue: 1 << 5)
    static let ending = Self(rawValue: 1 << 6)
    static let paused = Self(rawValue: 1 << 7)
    static let noToken = Self(rawValue: 1 << 8)
    static let cannotStart = Self(rawValue: 1 << 9)
    static let launchesFail = Self(rawValue: 1 << 10)
    static let noAgent = Self(rawValue: 1 << 11)
    static let notAcquired = Self(rawValue: 1 << 12)
    static let locked = Self(rawValue: 1 << 13)
    static let unclear = Self(rawValue: 1 << 14)

    init(rawValue: UInt16) { self.rawValue = rawValue }

    init(_ notice: JobNotice) {
        switch notice {
        case .waitsForSlot: self = .waitsForSlot
        case .waitsForToken: self = .waitsForToken
        case .waitsForLauncher: self = .waitsForLauncher
        case .waitsWhileLaunchesFail: self = .waitsWhileLaunchesFail
        case .reserved: self = .reserved
        case .launching: self = .launching
        case .givenBack(let reason): self.init(reason)
        }
    }

    private init(_ reason: ReturnReason) {
        switch reason {
        case .ending: self = .ending
        case .paused: self = .paused
        case .noToken: self = .noToken
        case .cannotStart: self = .cannotStart
        case .launchesFail: self = .launchesFail
        case .noAgent: self = .noAgent
        case .notAcquired: self = .notAcquired
        case .locked: self = .locked
        case .unclear: self = .unclear
        }
    }
}

/// The notices shown on jobs' pages: each kind once for a job.
///
/// What was shown is remembered for a bounded number of jobs. When there are more those are forgotten that this controller has
/// not had to do with, and that no list has shown, for longest.
struct Notices {
    /// How many kinds there are, so that no job can have more.
    static let maximumPerJob = 15

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
        let kind = NoticeKinds(notice)
        let isNew = shown[id, default: ([], now)].kinds.insert(kind).inserted
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
