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

    /// Whether the command says that it could start no agent, for no reason of the job's: unless its job ended with that
    /// status.
    var isUnavailable: Bool { exitStatus == JobExit.unavailable.status }

    /// Whether the agent says that it could not acquire the job, now or at all: unless its job ended with that status.
    var isNotAcquired: Bool { exitStatus == JobExit.notAcquired.status || isLocked }
}
