import StacksAPI
import StacksTransport

/// What a job's page shows while the job waits.
enum JobNotice {
    /// Every slot is taken; how many there are, unless they are shared with other stacks.
    case waitsForSlot(slots: Int?)
    /// The launcher can start nothing, for a reason of its own.
    case waitsForLauncher(String)
    case reserved
    case launching
    case givenBack(ReturnReason)

    /// The notice without its values: each kind is shown once for a job.
    fileprivate var kind: Kind {
        switch self {
        case .waitsForSlot: .waitsForSlot
        case .waitsForLauncher: .waitsForLauncher
        case .reserved: .reserved
        case .launching: .launching
        case .givenBack(let reason): .givenBack(reason.kind)
        }
    }

    fileprivate enum Kind: Hashable {
        case waitsForSlot, waitsForLauncher, reserved, launching
        case givenBack(ReturnReason.Kind)
    }

    /// One short line. What a launcher says in it is cropped, and its control characters are escaped.
    func text(stack: String) -> String {
        let text =
            switch self {
            case .waitsForSlot(let slots):
                "Stack \(stack): waiting for a slot (\(slots == 1 ? "the one slot is" : "all\(slots.map { " \($0)" } ?? "") are") taken)"
            case .waitsForLauncher(let message): "Stack \(stack): nothing can be started right now: \(message)"
            case .reserved: "Stack \(stack): reserved"
            case .launching: "Stack \(stack): launching an agent"
            case .givenBack(let reason): "Stack \(stack): given back, because \(reason.text)"
            }
        return VisibleText.escaped(text, limit: Self.maximumLength)
    }

    /// In Unicode scalars, the mark of a cropped text left out. The API takes 256 characters.
    private static let maximumLength = 240
}

/// Why a job is given back to Buildkite.
enum ReturnReason {
    /// The controller ends.
    case ending
    case paused
    case noToken
    /// The launcher can start nothing, for a reason of its own.
    case cannotStart(String)
    /// No agent took the job in the time that there is for it.
    case noAgent
    /// The agent could not acquire the job.
    case notAcquired
    case locked
    /// What is known of the job contradicts itself, or too little is known of it.
    case unclear

    fileprivate enum Kind: Hashable { case ending, paused, noToken, cannotStart, noAgent, notAcquired, locked, unclear }

    fileprivate var kind: Kind {
        switch self {
        case .ending: .ending
        case .paused: .paused
        case .noToken: .noToken
        case .cannotStart: .cannotStart
        case .noAgent: .noAgent
        case .notAcquired: .notAcquired
        case .locked: .locked
        case .unclear: .unclear
        }
    }

    fileprivate var text: String {
        switch self {
        case .ending: "the stack is shutting down"
        case .paused: "the queue is paused"
        case .noToken: "Buildkite issued no token for it"
        case .cannotStart(let message): "nothing can be started right now: \(message)"
        case .noAgent: "no agent took it in time"
        case .notAcquired: "its agent could not acquire it"
        case .locked: "it was locked when its agent tried to acquire it"
        case .unclear: "it is not certain whether it is still reserved"
        }
    }
}

/// The notices shown on jobs' pages: each kind once for a job, and a bounded number in all.
struct Notices {
    static let maximumPerJob = 8

    /// How long it is remembered what was shown for a job.
    private static let memory = Duration.seconds(3600)

    private var shown: [JobID: (kinds: Set<JobNotice.Kind>, last: Duration)] = [:]
    private var nextForgetting = Duration.zero

    /// Records a notice, and returns whether it is new for the job.
    fileprivate mutating func isNew(_ notice: JobNotice, of id: JobID, at now: Duration) -> Bool {
        if now >= nextForgetting {
            nextForgetting = now + Self.memory / 6
            shown = shown.filter { $0.value.last + Self.memory > now }
        }
        var known = shown[id, default: ([], now)]
        guard known.kinds.count < Self.maximumPerJob, known.kinds.insert(notice.kind).inserted else { return false }
        known.last = now
        shown[id] = known
        return true
    }
}

extension SharedState {
    /// Shows a notice on the job's page. Nothing depends on it.
    mutating func tell(_ id: JobID, _ notice: JobNotice) {
        guard configuration.notifiesJobs, !configuration.isDryRun, !isCutOff, notices.isNew(notice, of: id, at: now)
        else { return }
        wants(.notify(id, notice.text(stack: configuration.stackKey)))
    }
}
