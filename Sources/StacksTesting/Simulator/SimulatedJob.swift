#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A job as the simulator knows it.
public struct SimulatedJob: Sendable {
    /// A job's state, by the name that the API gives it.
    public struct State: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
        /// The name that the API gives it.
        public var rawValue: String
        /// The state of this name, known today or not.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The state of this name, known today or not.
        public init(stringLiteral value: String) { rawValue = value }

        /// The name that the API gives it.
        public var description: String { rawValue }

        /// It was created, and nothing has been decided about it.
        public static let pending: State = "pending"
        /// It waits for steps before it.
        public static let waiting: State = "waiting"
        /// A step that it waited for failed.
        public static let waitingFailed: State = "waiting_failed"
        /// It waits for a person.
        public static let blocked: State = "blocked"
        /// A step before the block failed.
        public static let blockedFailed: State = "blocked_failed"
        /// A person let it go on.
        public static let unblocked: State = "unblocked"
        /// It was let go on, and a step before it failed.
        public static let unblockedFailed: State = "unblocked_failed"
        /// Whether its concurrency group has room is being looked at.
        public static let limiting: State = "limiting"
        /// Its concurrency group has no room.
        public static let limited: State = "limited"
        /// It waits for an agent or a stack.
        public static let scheduled: State = "scheduled"
        /// A stack has reserved it.
        public static let reserved: State = "reserved"
        /// An agent was chosen for it.
        public static let assigned: State = "assigned"
        /// An agent has acquired it.
        public static let accepted: State = "accepted"
        /// An agent runs it.
        public static let running: State = "running"
        /// It is over, and has an exit status.
        public static let finished: State = "finished"
        /// It was cancelled, and its agent has not stopped yet.
        public static let canceling: State = "canceling"
        /// It was cancelled.
        public static let canceled: State = "canceled"
        /// It ran for too long, and its agent has not stopped yet.
        public static let timingOut: State = "timing_out"
        /// It ran for too long.
        public static let timedOut: State = "timed_out"
        /// No agent came for it in time.
        public static let expired: State = "expired"
        /// It was left out.
        public static let skipped: State = "skipped"
        /// It can never run as it was configured.
        public static let broken: State = "broken"

        /// Whether a job stays in this state for ever.
        public var isTerminal: Bool {
            switch self {
            case .finished, .canceled, .timedOut, .expired, .skipped, .broken, .waitingFailed, .blockedFailed,
                .unblockedFailed:
                true
            default: false
            }
        }

        /// Whether an agent has the job in hand.
        var isWithAgent: Bool {
            switch self {
            case .assigned, .accepted, .running, .canceling, .timingOut: true
            default: false
            }
        }

        /// Whether the job waits for something else before an agent may have it.
        var isLocked: Bool {
            switch self {
            case .pending, .waiting, .blocked, .unblocked, .limiting, .limited: true
            default: false
            }
        }
    }

    /// What a job is made of when it is added.
    public struct Template: Sendable {
        /// Higher first; may be negative.
        public var priority = 0
        /// `key=value`, as a step's `agents` has them. The `queue` rule is added by the simulator.
        public var agentQueryRules: [String] = []
        /// The slug of its pipeline; `nil` is null in a listing.
        public var pipelineSlug: String? = "demo"
        /// The branch of its build; `nil` is null in a listing.
        public var branch: String? = "main"
        /// The key of its step; `nil` is null in a listing.
        public var stepKey: String?
        /// Its environment.
        public var environment: [String: String] = [:]
        /// Its command.
        public var command = "echo hello"
        /// The state that the job begins in.
        public var state: State = .scheduled

        /// A job with an `echo` for its command.
        public init() {}
    }

    /// Something that happened to a job.
    public struct Event: Sendable, Hashable {
        /// What happened. A job can change its state without a name here, by ``moved``.
        public enum Kind: String, Sendable, Hashable, CaseIterable {
            /// It was added.
            case created
            /// A stack reserved it.
            case reserved
            /// A token for it was issued.
            case tokenIssued = "token_issued"
            /// An agent came to acquire it.
            case acquired
            /// The agent got it.
            case accepted
            /// The agent started it.
            case started
            /// A stack or an agent finished it.
            case finished
            /// A notification about it was created.
            case notified
            /// The stack that held it reserved it again.
            case reservationExtended = "reservation_extended"
            /// Its reservation ran out.
            case reservationExpired = "reservation_expired"
            /// A cancellation was asked for.
            case cancelled
            /// A test moved the job.
            case moved
        }

        /// What happened.
        public var kind: Kind
        /// When it happened, by the simulator's clock.
        public var date: Date
        /// The job's state afterwards.
        public var state: State
        /// The stack that did it, where it was one.
        public var stack: String?
    }

    /// The job's UUID, lowercase.
    public internal(set) var id: String
    /// The key of its queue.
    public internal(set) var queue: String
    /// What it was made of.
    public internal(set) var template: Template
    /// Its state now.
    public internal(set) var state: State
    /// What happened to it, oldest first.
    public internal(set) var history: [Event] = []
    /// The stack that holds its reservation.
    public internal(set) var reservedBy: String?
    /// When the reservation ends.
    public internal(set) var reservationExpiresAt: Date?
    /// How often an agent came to acquire it with a token of the job. More than once means that it was launched twice.
    public internal(set) var launches = 0
    /// How often an agent asked to start it, refused attempts included.
    public internal(set) var starts = 0
    /// How often it was finished, by a stack or an agent; refused attempts are not counted.
    public internal(set) var finishes = 0
    /// How often a stack or an agent asked to finish it, refused attempts included.
    public internal(set) var finishAttempts = 0
    /// The exit status it finished with.
    public internal(set) var exitStatus: Int?
    /// What the stack that finished it said.
    public internal(set) var detail: String?
    /// What was noted about it, oldest first.
    public internal(set) var notifications: [String] = []

    /// When it was created.
    public var createdAt: Date { history[0].date }

    /// When something happened to it for the first time, or `nil` when it did not.
    public func date(of kind: Event.Kind) -> Date? { history.first { $0.kind == kind }?.date }
}
