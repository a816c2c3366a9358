import Logging
import StacksAPI

/// What the machine wants done.
enum ControllerAction: Sendable {
    /// Ask Buildkite. The response comes back as an event.
    case request(ControllerRequest)
    case launch(LaunchedJob)
    /// Stay with the agent of a job that was found running. It ends as a launcher does.
    case follow(JobID)
    /// Cancel the launcher of a job. Asked for once.
    case stop(JobID)
    /// Report to the pool of slots, and step with what it gives before anything else.
    case reportSlots(SlotAllocation.Report)
    /// Show a line on the job's page. It comes to nothing else.
    case notify(JobID, String)
    case log(Logger.Level, String, LogFacts)
    /// The same, of something that is done again at this time, which is added as the time of day.
    case logWait(Logger.Level, String, LogFacts, until: Duration)
    /// How long a part of a job's life took.
    case measure(ControllerInterval, Duration)
    /// A call failed.
    case failed(ControllerCall, CallFailure.Kind)
    /// The last action: the controller returns, or throws the error.
    case end(StackControllerError?)
}

/// The parts of a job's life that are measured.
enum ControllerInterval: Sendable, Hashable {
    /// From being listed to being launched.
    case dispatch
    /// From being launched to being seen with an agent.
    case start
}
