public import StacksAPI

/// Starts the agent of one job and stays with it until it is done: what you write to make a stack.
///
/// The controller calls ``launch(_:)`` concurrently, once for each job, and never more often at a time than
/// ``StackController/Configuration/maximumInFlight`` says. A slot is free again when the call returns. Launchers run on
/// threads of their own: one that blocks its thread delays nothing else that the controller does.
public protocol JobLauncher: Sendable {
    /// Runs an agent for `job` and returns when the agent is done.
    ///
    /// Give the agent the job's own token and UUID, as
    /// `BUILDKITE_AGENT_TOKEN=<job.acquisitionToken.value> BUILDKITE_AGENT_ACQUIRE_JOB=<job.id> buildkite-agent start`
    /// does. The token reaches no command line and no log.
    ///
    /// What chooses a machine for the job is in ``LaunchedJob/scheduled``; ``LaunchedJob/details()`` reads its command and
    /// environment. All of it comes from pipelines: pass it on as data, never as part of a shell's command line.
    ///
    /// Cancelling the task stops the agent: the controller does so, once, when the job was cancelled before an agent
    /// took it, and when the controller itself is cancelled.
    ///
    /// A launch that ends before an agent has taken the job has failed, whatever it returns or throws, and so has one that is
    /// cancelled because no agent came in time. Its job is finished with an error. After three in a row the launcher is taken
    /// for broken: from then on jobs are given back instead, and nothing is launched but one job at a time, after 5, 10, 20 …
    /// up to 300 seconds, until an agent takes one. The exit statuses 27, 28 and 75 are no failures.
    ///
    /// - Returns: How the agent ended. Its exit status decides nothing once the job has started, because the agent has
    ///   reported the job's result itself.
    /// - Throws: Why no agent could be started. When the job has not started, it is finished with the description of
    ///   the error, so that people see it on the build's page: keep secrets out of it. A ``StackControllerError`` says
    ///   that no other job could be started either, because what starts them is broken: then this job is given back
    ///   instead, and the controller takes no more and ends with that error. ``LauncherUnavailable`` says the same of
    ///   what may pass: the job is given back, and the controller waits and tries again. No agent may have been started
    ///   before one of these is thrown.
    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit

    /// The jobs whose agents run already, from before this process was started. None by default.
    ///
    /// The controller calls it once, before it launches anything, and not at all in a dry run. Each job takes a slot,
    /// nothing is launched for it, and ``follow(_:)`` is called for it.
    ///
    /// - Returns: The jobs' UUIDs.
    /// - Throws: Why it is unknown which agents run. The controller then ends with that error before it takes any
    ///   job, because it could launch one twice.
    nonisolated(nonsending) func recover() async throws -> [JobID]

    /// Stays with the agent of a job that ``recover()`` has named until it is done. Called once for each, concurrently.
    ///
    /// Cancelling the task stops the agent, as it does for ``launch(_:)``, and for the same reasons.
    ///
    /// - Returns: How the agent ended, at once when it has ended already; `nil` when it cannot be followed, which is
    ///   the default. Then the job takes its slot until Buildkite says that it is over, and nothing stops its agent.
    /// - Throws: That the agent has ended and it is not known how. A job that no agent has taken is given back.
    nonisolated(nonsending) func follow(_ job: JobID) async throws -> JobExit?
}

extension JobLauncher {
    /// Nothing is running yet.
    ///
    /// - Returns: No job.
    /// - Throws: Nothing.
    public nonisolated(nonsending) func recover() async throws -> [JobID] { [] }

    /// Nothing can be followed.
    ///
    /// - Returns: `nil`.
    /// - Throws: Nothing.
    public nonisolated(nonsending) func follow(_ job: JobID) async throws -> JobExit? { nil }
}

/// How an agent ended.
public struct JobExit: Sendable, Hashable {
    /// The exit status of the agent's process; 128 + the signal's number when a signal ended it, as in a shell.
    public var status: Int

    /// What happened, for people, if there is more to say than the status. It is shown with the build when the job has
    /// not started, so it holds no secret.
    public var detail: String?

    /// An end with `status`.
    public init(status: Int, detail: String? = nil) {
        self.status = status
        self.detail = detail
    }

    /// The agent ended without an error.
    public static let success = JobExit(status: 0)

    /// 27: the agent could no longer acquire the job. It is somebody else's, or was cancelled; one that is still
    /// reserved is given back.
    public static let notAcquired = JobExit(status: 27)

    /// 28: the job was locked, or something that was started for it before is in its way. One that is still reserved is given
    /// back, and launched again when it is listed again.
    public static let locked = JobExit(status: 28)

    /// 75, `EX_TEMPFAIL` of sysexits.h: no agent was started, for a reason that is not the job's. One that is still reserved
    /// is given back, and the controller does as it does for ``LauncherUnavailable``.
    public static let unavailable = JobExit(status: 75)
}
