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

        public static let pending: State = "pending"
        public static let waiting: State = "waiting"
        public static let waitingFailed: State = "waiting_failed"
        public static let blocked: State = "blocked"
        public static let blockedFailed: State = "blocked_failed"
        public static let unblocked: State = "unblocked"
        public static let unblockedFailed: State = "unblocked_failed"
        public static let limiting: State = "limiting"
        public static let limited: State = "limited"
        public static let scheduled: State = "scheduled"
        public static let reserved: State = "reserved"
        public static let assigned: State = "assigned"
        public static let accepted: State = "accepted"
        public static let running: State = "running"
        public static let finished: State = "finished"
        public static let canceling: State = "canceling"
        public static let canceled: State = "canceled"
        public static let timingOut: State = "timing_out"
        public static let timedOut: State = "timed_out"
        public static let expired: State = "expired"
        public static let skipped: State = "skipped"
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
            case created, reserved, tokenIssued = "token_issued", acquired, accepted, started, finished, notified
            case reservationExtended = "reservation_extended", reservationExpired = "reservation_expired"
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
    public internal(set) var finishDetail: String?
    /// What was noted about it, oldest first.
    public internal(set) var notifications: [String] = []

    /// When it was created.
    public var createdAt: Date { history[0].date }

    /// When something happened to it for the first time, or `nil` when it did not.
    public func date(of kind: Event.Kind) -> Date? { history.first { $0.kind == kind }?.date }
}
