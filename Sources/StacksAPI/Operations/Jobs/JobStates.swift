extension StacksClient {
    /// Reads the states of jobs.
    ///
    /// More than 1000 jobs take several requests, some at the same time; see ``StacksResponse/failedBatches``.
    ///
    /// - Parameters:
    ///   - jobs: The jobs, at least one.
    ///   - stack: The stack's key.
    ///   - options: Options of this call.
    /// - Returns: The state of each job that Buildkite knows; see also ``JobStates/unreadableJobs``.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/notFound`` when there is no such stack.
    public func jobStates(
        _ jobs: [JobID],
        stack: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<JobStates> {
        try Argument.check(stackKey: stack, jobs: jobs, for: .jobStates)
        return try await core.performForJobs(
            core.target(.jobStates, stack: stack), jobs: jobs, options: options, decode: JobStates.read,
            joined: JobStates.joined)
    }
}

/// The states of jobs.
public struct JobStates: Sendable, Hashable {
    /// The state of each job, without jobs that Buildkite does not know.
    public var states: [JobID: JobState]

    /// Jobs that Buildkite knows and whose state it sent as something other than a string. Usually empty; ``states`` does not
    /// include them.
    public var unreadableJobs: Set<JobID>

    /// States of jobs.
    public init(states: [JobID: JobState], unreadableJobs: Set<JobID> = []) {
        self.states = states
        self.unreadableJobs = unreadableJobs
    }

    /// The state of a job; `nil` when Buildkite does not know it, or when it is one of ``unreadableJobs``.
    public subscript(job: JobID) -> JobState? { states[job] }
}

extension JobStates {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> JobStates {
        var result: JobStates?
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "states": result = try readStates(&reader)
            default: try reader.skip()
            }
        }
        return try result.required("states", in: object)
    }

    /// The states in several responses. Of a job that is in more than one, the last one counts.
    static func joined(_ batches: [JobStates]) -> JobStates {
        var joined = JobStates(states: Dictionary(minimumCapacity: batches.reduce(0) { $0 + $1.states.count }))
        for batch in batches {
            joined.unreadableJobs.subtract(batch.states.keys)
            joined.states.merge(batch.states) { _, later in later }
            joined.unreadableJobs.formUnion(batch.unreadableJobs)
            for job in batch.unreadableJobs { joined.states[job] = nil }
        }
        return joined
    }

    private static func readStates(_ reader: inout JSONReader) throws(JSONError) -> JobStates {
        if try reader.null() { return JobStates(states: [:]) }
        // A UUID with its state takes about 50 bytes. Without room for as many as can follow, decoding 1000 states takes
        // 1.2 times the instructions.
        var states: [JobID: JobState] = Dictionary(minimumCapacity: min((reader.end - reader.cursor) / 50, 1000))
        var unreadable: Set<JobID> = []
        // With one remembered state instead of eight, decoding 1000 states takes 1.3 times the instructions.
        var memo = JSONMemo<JobState>(count: 8)
        try reader.beginObject()
        while let job: JobID = try reader.nextIdentifierKey() {
            // The last value of a name counts.
            if !unreadable.isEmpty { unreadable.remove(job) }
            if try reader.null() {
                states[job] = nil
                continue
            }
            let state = try reader.valueIfReadable { (reader) throws(JSONError) in
                try reader.value(&memo) { (reader) throws(JSONError) in JobState(rawValue: try reader.string()) }
            }
            states[job] = state
            if state == nil { unreadable.insert(job) }
        }
        return JobStates(states: states, unreadableJobs: unreadable)
    }
}

/// The state of a job.
///
/// Buildkite may add states at any time: an unknown state is a value like any other and not an error.
public struct JobState: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The state as the API spells it.
    public var rawValue: String

    /// The state with this name, which may be one that this package does not know.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The state that the literal names.
    public init(stringLiteral value: String) { rawValue = value }

    /// The state as the API spells it.
    public var description: String { rawValue }

    /// The job was created, and nothing has happened to it since.
    public static let pending = JobState(rawValue: "pending")
    /// A wait step holds the job back.
    public static let waiting = JobState(rawValue: "waiting")
    /// A wait step held the job back until the build failed.
    public static let waitingFailed = JobState(rawValue: "waiting_failed")
    /// A block step holds the job back.
    public static let blocked = JobState(rawValue: "blocked")
    /// A block step held the job back until the build failed.
    public static let blockedFailed = JobState(rawValue: "blocked_failed")
    /// A block step was unblocked.
    public static let unblocked = JobState(rawValue: "unblocked")
    /// A block step was unblocked, and the build failed.
    public static let unblockedFailed = JobState(rawValue: "unblocked_failed")
    /// The job's concurrency group is being checked.
    public static let limiting = JobState(rawValue: "limiting")
    /// The job waits for its concurrency group.
    public static let limited = JobState(rawValue: "limited")
    /// The job is ready for an agent or a stack.
    public static let scheduled = JobState(rawValue: "scheduled")
    /// A stack reserved the job.
    public static let reserved = JobState(rawValue: "reserved")
    /// The job was assigned to an agent.
    public static let assigned = JobState(rawValue: "assigned")
    /// An agent accepted the job and is about to start it.
    public static let accepted = JobState(rawValue: "accepted")
    /// The job runs on an agent.
    public static let running = JobState(rawValue: "running")
    /// The job has finished, whether it passed or failed.
    public static let finished = JobState(rawValue: "finished")
    /// The job is being cancelled on its agent.
    public static let canceling = JobState(rawValue: "canceling")
    /// The job was cancelled.
    public static let canceled = JobState(rawValue: "canceled")
    /// The job exceeded its time limit and is being stopped on its agent.
    public static let timingOut = JobState(rawValue: "timing_out")
    /// The job exceeded its time limit.
    public static let timedOut = JobState(rawValue: "timed_out")
    /// No agent accepted the job in time.
    public static let expired = JobState(rawValue: "expired")
    /// The job was skipped.
    public static let skipped = JobState(rawValue: "skipped")
    /// The job cannot run because of its pipeline's configuration.
    public static let broken = JobState(rawValue: "broken")
}

extension JobState {
    /// Whether the job has ended and its state will not change again; `false` for unknown states.
    public var isTerminal: Bool {
        switch self {
        case .finished, .canceled, .timedOut, .expired, .skipped, .broken, .waitingFailed, .blockedFailed,
            .unblockedFailed:
            return true
        default:
            return false
        }
    }

    /// Whether an agent has the job: it is assigned to one, or runs or is being stopped there; `false` for unknown
    /// states.
    public var isWithAgent: Bool {
        switch self {
        case .assigned, .accepted, .running, .canceling, .timingOut: return true
        default: return false
        }
    }

    /// The states that this package knows, in the order of a job's life.
    public static let known: [JobState] = [
        .pending, .waiting, .waitingFailed, .blocked, .blockedFailed, .unblocked, .unblockedFailed, .limiting,
        .limited, .scheduled, .reserved, .assigned, .accepted, .running, .finished, .canceling, .canceled, .timingOut,
        .timedOut, .expired, .skipped, .broken,
    ]
}
