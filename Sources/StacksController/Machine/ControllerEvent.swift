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
    /// `limit` is how many such requests a second Buildkite allows, if it says so; `sentAt` is when the call began.
    case polled(Result<ScheduledJobsPage, CallFailure>, limit: Int? = nil, sentAt: Duration? = nil)
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
    /// What the pool gives for a report. Nothing comes between the two.
    case slots(SlotAllocation.Grant)
    /// The pool has something for the stack, which is to report.
    case slotsCall
}
