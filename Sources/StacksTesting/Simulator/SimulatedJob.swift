#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A job of the simulator.
public struct SimulatedJob: Sendable {
    /// The state of a job, by its name in the API.
    public struct State: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
        /// The name in the API.
        public var rawValue: String
        /// The state with a name, which need not be known here.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The state with a name, which need not be known here.
        public init(stringLiteral value: String) { rawValue = value }

        /// The name in the API.
        public var description: String { rawValue }

        /// The job was created.
        public static let pending: State = "pending"
        /// The job waits for earlier steps.
        public static let waiting: State = "waiting"
        /// An earlier step failed while the job waited.
        public static let waitingFailed: State = "waiting_failed"
        /// The job waits for a person to unblock it.
        public static let blocked: State = "blocked"
        /// A step before the block failed.
        public static let blockedFailed: State = "blocked_failed"
        /// A person unblocked the job.
        public static let unblocked: State = "unblocked"
        /// The job was unblocked, but an earlier step failed.
        public static let unblockedFailed: State = "unblocked_failed"
        /// The limit of the concurrency group is being checked.
        public static let limiting: State = "limiting"
        /// The concurrency group has reached its limit.
        public static let limited: State = "limited"
        /// The job waits for an agent or a stack.
        public static let scheduled: State = "scheduled"
        /// A stack has reserved the job.
        public static let reserved: State = "reserved"
        /// The job is assigned to an agent.
        public static let assigned: State = "assigned"
        /// An agent has acquired the job.
        public static let accepted: State = "accepted"
        /// An agent runs the job.
        public static let running: State = "running"
        /// The job ended with an exit status.
        public static let finished: State = "finished"
        /// The job was cancelled, but its agent has not stopped yet.
        public static let canceling: State = "canceling"
        /// The job was cancelled.
        public static let canceled: State = "canceled"
        /// The job timed out, but its agent has not stopped yet.
        public static let timingOut: State = "timing_out"
        /// The job timed out.
        public static let timedOut: State = "timed_out"
        /// No agent acquired the job in time.
        public static let expired: State = "expired"
        /// The job was skipped.
        public static let skipped: State = "skipped"
        /// The configuration of the job keeps it from running.
        public static let broken: State = "broken"

        /// The states that the API has.
        package static let known: [State] = [
            .pending, .waiting, .waitingFailed, .blocked, .blockedFailed, .unblocked, .unblockedFailed, .limiting,
            .limited, .scheduled, .reserved, .assigned, .accepted, .running, .finished, .canceling, .canceled,
            .timingOut, .timedOut, .expired, .skipped, .broken,
        ]

        /// Whether the state is final.
        public var isTerminal: Bool {
            switch self {
            case .finished, .canceled, .timedOut, .expired, .skipped, .broken, .waitingFailed, .blockedFailed,
                .unblockedFailed:
                true
            default: false
            }
        }

        /// Whether the job is assigned to an agent.
        var isWithAgent: Bool {
            switch self {
            case .assigned, .accepted, .running, .canceling, .timingOut: true
            default: false
            }
        }

        /// Whether the job cannot be acquired yet.
        var isLocked: Bool {
            switch self {
            case .pending, .waiting, .blocked, .unblocked, .limiting, .limited: true
            default: false
            }
        }
    }

    /// The properties of a new job.
    public struct Template: Sendable {
        /// The priority, higher first; may be negative.
        public var priority = 0
        /// The agent query rules, `key=value` as in a step's `agents`. The simulator adds the `queue` rule.
        public var agentQueryRules: [String] = []
        /// When the job was scheduled, which is its position in a listing. By default the time that the jobs are added with.
        public var scheduledAt: Field<Date> = .assigned
        /// When the job became ready to run. By default when it was scheduled.
        public var runnableAt: Field<Date> = .assigned
        /// The slug of the pipeline; `nil` is null in a listing.
        public var pipelineSlug: String? = "demo"
        /// The UUID of the pipeline. By default one for the jobs that are added together.
        public var pipelineUUID: Field<String> = .assigned
        /// The UUID of the build. By default one for the jobs that are added together.
        public var buildUUID: Field<String> = .assigned
        /// The number of the build. By default one more than there are jobs, for the jobs that are added together.
        public var buildNumber: Field<Int> = .assigned
        /// The branch of the build; `nil` is null in a listing.
        public var branch: String? = "main"
        /// The key of the step; `nil` is null in a listing.
        public var stepKey: String?
        /// The environment.
        public var environment: [String: String] = [:]
        /// The command.
        public var command = "echo hello"
        /// How the job runs without a command that does: how long it takes, and how it ends. A ``ScriptedAgent`` of the
        /// simulator plays it, and so does the simulator itself, if ``StacksSimulator/Configuration/Agents/playing`` says so.
        public var script: ScriptedAgent.Script?
        /// The initial state.
        public var state: State = .scheduled

        /// A scheduled job with an `echo` command.
        public init() {}
    }

    /// An event in the life of a job.
    public struct Event: Sendable, Hashable {
        /// The kind of an event. Tests can change the state in other ways with ``moved``.
        public enum Kind: String, Sendable, Hashable, CaseIterable {
            /// The job was created.
            case created
            /// A stack reserved the job.
            case reserved
            /// A token for the job was issued.
            case tokenIssued = "token_issued"
            /// An agent requested the job.
            case acquired
            /// The agent received the job.
            case accepted
            /// The agent started the job.
            case started
            /// A stack or an agent finished the job.
            case finished
            /// A notification about the job was created.
            case notified
            /// The stack with the reservation reserved the job again.
            case reservationExtended = "reservation_extended"
            /// The reservation expired.
            case reservationExpired = "reservation_expired"
            /// An agent registered for the job.
            case agentRegistered = "agent_registered"
            /// The agent left, or its heartbeats stopped, before it had finished the job.
            case agentLost = "agent_lost"
            /// The job was cancelled.
            case cancelled
            /// A test moved the job to another state.
            case moved
        }

        /// The kind of the event.
        public var kind: Kind
        /// When it happened, by the simulator's clock.
        public var date: Date
        /// The job's state after the event.
        public var state: State
        /// The stack that caused it, or `nil`.
        public var stack: String?
    }

    /// The UUID, lowercase.
    public internal(set) var id: String
    /// The slug of the organization.
    public internal(set) var organization: String
    /// The key of the queue.
    public internal(set) var queue: String
    /// The properties that the job was created with.
    public internal(set) var template: Template
    /// The job as a listing describes it.
    public internal(set) var listing: Listing
    /// The current state.
    public internal(set) var state: State
    /// The events so far, oldest first.
    public internal(set) var history: [Event] = []
    /// The key of the stack with the reservation, or `nil`.
    public internal(set) var reservedBy: String?
    /// When the reservation expires, or `nil` without one.
    public internal(set) var reservationExpiresAt: Date?
    /// How often an agent requested the job with one of its tokens. More than once means that it was launched twice.
    public internal(set) var launches = 0
    /// How often an agent asked to start the job, refused requests included.
    public internal(set) var starts = 0
    /// How often a stack or an agent finished the job, refused requests excluded.
    public internal(set) var finishes = 0
    /// How often a stack or an agent asked to finish the job, refused requests included.
    public internal(set) var finishAttempts = 0
    /// The exit status, or `nil` before the job is finished.
    public internal(set) var exitStatus: Int?
    /// The detail from the stack that finished the job.
    public internal(set) var detail: String?
    /// The details of its notifications, oldest first.
    public internal(set) var notifications: [String] = []
    /// The UUID of the registered agent that acquired it, or `nil`.
    public internal(set) var agent: String?
    /// The signal that ended its command, `SIGTERM` for example, or `nil`.
    public internal(set) var signal: String?
    /// Why an agent sent the signal, `cancel` for example, or `nil`.
    public internal(set) var signalReason: String?
    /// How many parts of the log its agent could not send.
    public internal(set) var failedLogChunks = 0
    /// When the sections of its log began, by their numbers.
    public internal(set) var headerTimes: [String: String] = [:]
    /// What it said of its end before it ended, or `nil`.
    public internal(set) var promisedFailure: PromisedFailure?
    /// The parts of its log.
    var logChunks = LogChunks()
    /// The meta-data of its build.
    public internal(set) var metaData: [String: String] = [:]
    /// The annotations of its build, and its own, by priority.
    public internal(set) var annotations: [Annotation] = []
    /// The artifacts that it created, oldest first.
    public internal(set) var artifacts: [Artifact] = []

    /// When the job was created.
    public var createdAt: Date { history[0].date }

    /// When the first event of a kind happened, or `nil` when there was none.
    public func date(of kind: Event.Kind) -> Date? { history.first { $0.kind == kind }?.date }
}
