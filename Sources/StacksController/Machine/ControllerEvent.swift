import StacksAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the machine reacts to. Each response carries what was requested.
enum ControllerEvent: Sendable {
    /// The controller runs; agents for these jobs run already.
    case begin(recovered: [JobID])
    /// Take no further jobs and end when the running ones have.
    case drain
    /// The configuration is another one from now on.
    case configured(StackController.Configuration)
    /// `isNew` is false when Buildkite knew the stack already (200, not 201).
    case registered(Result<Stack, CallFailure>, isNew: Bool = true)
    /// `limit` is how many such requests a second Buildkite allows, if it says so.
    case polled(Result<ScheduledJobsPage, CallFailure>, limit: Int? = nil)
    case reserved(asked: [JobID], Result<Reservation, CallFailure>)
    case renewed(asked: [JobID], Result<Reservation, CallFailure>, failed: FailedParts = FailedParts())
    case gaveBack([JobID], CallFailure?)
    /// `serverTime` is when they were issued, by the same clock as their expiry.
    case tokens(asked: [JobID], Result<JobAcquisitionTokens, CallFailure>, serverTime: Date? = nil)
    /// The launcher is done with a job.
    case launcherEnded(JobID, LaunchOutcome)
    case states(StateQuery, Result<JobStates, CallFailure>, failed: FailedParts = FailedParts())
    case finished(JobID, CallFailure?)
    case deregistered(CallFailure?)
    /// The pool's answer to a report of slots. Nothing comes between the two.
    case slots(SlotAllocation.Answer)
    /// The pool has something for the stack, which is to report.
    case slotsCall
}

/// How a launcher ended.
enum LaunchOutcome: Sendable, Hashable {
    case exited(JobExit)
    /// It threw; the message is the error's description.
    case failed(String)
    /// It threw, before any agent was started, for a reason that holds for every job.
    case impossible(String)
    /// It threw, before any agent was started, for a reason that holds for every job and may pass.
    case unavailable(String)
    /// Nobody stays with the agent of a job that was found running.
    case notFollowed

    /// Whether the exit is not known.
    var isUnknown: Bool {
        if case .exited = self { false } else { true }
    }

    /// The status that the agent ended with, if it is known.
    var exitStatus: Int? {
        if case .exited(let exit) = self { exit.status } else { nil }
    }

    /// Whether the agent says that the job was locked: unless its job ended with that status.
    var isLocked: Bool { exitStatus == JobExit.locked.status }

    /// Whether the agent says that it could not acquire the job, now or at all: unless its job ended with that status.
    var isNotAcquired: Bool { exitStatus == JobExit.notAcquired.status || isLocked }
}

/// Which jobs' states are requested, and why.
struct StateQuery: Sendable, Hashable {
    /// Jobs whose launcher runs, or that were found running.
    var watched: [JobID] = []
    /// Jobs whose launcher had ended when the query was made: only a response to a later request says
    /// whether an agent had taken the job.
    var ended: [JobID] = []

    /// Launched jobs of which it only matters whether an agent has taken them by now: that is to be known no later than that
    /// other launches have failed.
    var launched: [JobID] = []

    var isEmpty: Bool { watched.isEmpty && ended.isEmpty }
    var jobs: [JobID] { watched + ended + launched }

    /// What is left of it without these jobs.
    func without(_ jobs: Set<JobID>) -> StateQuery {
        guard !jobs.isEmpty else { return self }
        var rest = self
        rest.watched.removeAll { jobs.contains($0) }
        rest.ended.removeAll { jobs.contains($0) }
        rest.launched.removeAll { jobs.contains($0) }
        return rest
    }
}

/// What a response leaves open of a request that the client has cut, because it is for more jobs than one request may be.
struct FailedParts: Sendable {
    /// The jobs of the parts that failed.
    var jobs: Set<JobID> = []
    /// Why the first of them did; `nil` when none did.
    var failure: CallFailure?

    /// The failure, if any of these jobs is without a response because of it.
    func failure(of asked: [JobID]) -> CallFailure? { asked.contains { jobs.contains($0) } ? failure : nil }
}

/// Why a call failed, as far as it makes a difference to what is done next.
struct CallFailure: Error, Sendable {
    enum Kind: Sendable, Hashable {
        /// 401: nothing will succeed with this token.
        case unauthorized
        /// 403: nothing will succeed for this stack.
        case forbidden
        /// 404: the stack, or the queue, is not there.
        case notFound
        /// 429.
        case rateLimited
        /// The request itself is not accepted: it will not be by sending it again.
        case rejected
        /// Anything that may pass.
        case transient
    }

    var kind: Kind
    /// The wait that the server asked for.
    var retryAfter: Duration?
    /// For people.
    var message: String
    var underlying: StacksAPIError?
    /// Whether the request may have been accepted all the same.
    var mayHaveTakenEffect: Bool

    /// Without `mayHaveTakenEffect` a transient failure may have taken effect, and a refusal has not.
    init(
        _ kind: Kind,
        retryAfter: Duration? = nil,
        message: String,
        underlying: StacksAPIError? = nil,
        mayHaveTakenEffect: Bool? = nil
    ) {
        self.kind = kind
        self.mayHaveTakenEffect = mayHaveTakenEffect ?? (kind == .transient)
        self.retryAfter = retryAfter
        self.message = message
        self.underlying = underlying
    }
}
