import Logging
import StacksAPI

/// What the machine wants done. Each call comes back as the event of the same name.
enum ControllerAction: Sendable {
    case register
    case poll(limit: Int, after: String?)
    case reserve([JobID])
    /// Reserve again what is reserved already, so that it does not run out.
    case renew([JobID])
    /// Reserve again for one second: the job is scheduled again when that is over.
    case giveBack([JobID])
    case issueTokens([JobID])
    case launch(LaunchedJob)
    /// Stay with the agent of a job that was found running. It ends as a launcher does.
    case follow(JobID)
    /// Cancel the launcher of a job. Asked for once.
    case stop(JobID)
    case queryStates(StateQuery)
    /// Finish a job, and do not try for longer than `within`: after that it may be another stack's.
    case finish(JobID, exitStatus: Int, detail: String, within: Duration)
    case deregister
    case log(Logger.Level, String, job: JobID?)
    /// How long a part of a job's life took.
    case measure(ControllerInterval, Duration)
    /// A call did not do what was asked.
    case failed(call: String, CallFailure.Kind)
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
