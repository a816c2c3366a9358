public import StacksAPI
public import StacksController
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Starts one process for each job: a command that runs a Buildkite agent, here or elsewhere.
///
/// The process finds the job's acquisition token in `BUILDKITE_AGENT_TOKEN` and its UUID in
/// `BUILDKITE_AGENT_ACQUIRE_JOB`, which is all that `buildkite-agent start` needs. What chooses a machine for the job is in
/// variables whose names begin with `STACKS_JOB_`, and in the file that `STACKS_JOB_FILE` names. Its life counts as the
/// agent's: the slot is free when the process has ended.
///
/// The rest of the environment is this process's own, or what of it ``Configuration/inheritance`` names, but for the
/// credentials of the controller itself (`BUILDKITE_AGENT_TOKEN`, `BUILDKITE_CLUSTER_TOKEN`, and whatever else holds their
/// values or one of ``Configuration/secrets``), which no job may see. The process leads a session of its own, so that a
/// signal from the controller's terminal does not reach it; no signal is blocked or ignored in it; standard input is
/// empty. While it runs it costs this process neither a descriptor nor a thread.
///
/// Stopping sends SIGTERM to the whole process group, and SIGKILL to what is left of it after
/// ``Configuration/gracePeriod``.
///
/// With a ``Configuration/stateDirectory`` the commands that a controller leaves behind when it is killed are found by
/// the next one: ``recover()`` names their jobs, and ``follow(_:)`` stays with them.
public struct CommandLauncher: JobLauncher {
    let name: String
    let arguments: [String]
    let configuration: Configuration
    let state: StateDirectory?
    let environment: CommandEnvironment

    /// A launcher for `command`: an executable, looked up in `PATH` unless its name has a slash, and its arguments.
    ///
    /// - Throws: `ConfigurationError` when the command is empty, holds a zero
    ///   byte, or is no executable file, when the grace period is negative, when the state directory cannot be used or
    ///   another launcher uses it, and when others can write to that directory, to the one for output or, without a state
    ///   directory, to the temporary one.
    public init(command: [String], configuration: Configuration = Configuration()) throws {
        guard let name = command.first, !name.isEmpty else {
            throw ConfigurationError("The command to launch is empty")
        }
        guard !command.contains(where: { $0.utf8.contains(0) }) else {
            throw ConfigurationError("The command to launch holds a zero byte")
        }
        guard configuration.gracePeriod >= .zero else {
            throw ConfigurationError("The grace period must not be negative")
        }
        if case .fileDescriptor(let number) = configuration.output, number < STDOUT_FILENO {
            throw ConfigurationError("Descriptor \(number) cannot take the commands' output: it must be 1 or greater")
        }
        self.name = name
        arguments = Array(command.dropFirst())
        self.configuration = configuration
        if let problem = ExecutableLookup.problem(
            with: name, path: Self.searchPath(configuration), workingDirectory: configuration.workingDirectory)
        {
            throw ConfigurationError(problem)
        }
        // One that is not there is found out by the first job, and ends the controller.
        if case .files(let directory) = configuration.output, access(directory, F_OK) == 0,
            let problem = TrustedDirectory.problem(withShared: directory)
        {
            throw ConfigurationError(
                "The directory \(directory) for the commands' output cannot be trusted: \(problem)")
        }
        environment = CommandEnvironment(configuration)
        state = try configuration.stateDirectory.map { try StateDirectory($0) }
        if state == nil { try JobFile.checkTemporaryDirectory() }
    }

    static func searchPath(_ configuration: Configuration) -> String? {
        configuration.environment["PATH"] ?? ExecutableLookup.ownPath
    }

    /// Runs the command for `job` until it has ended.
    ///
    /// - Throws: `StackControllerError` with the code `launcherUnusable` when what is to be started is not there, or
    ///   not for this user to start, which ends the controller instead of failing one job after the other;
    ///   `LauncherUnavailable` for what may pass: too many processes or open files, a full disk, a command that is
    ///   there and cannot be executed, details that cannot be read; ``CommandLaunchError`` when something else has the name of the job's log file, or
    ///   it is not known how the command ended.
    public nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        let details = try await details(of: job)
        try Task.checkCancellation()
        let command = try await BlockingWork.start { try start(job, details) }
        let (child, record) = (command.child, command.record)
        let gracePeriod = configuration.gracePeriod
        var ending = await withTaskGroup(of: Void.self) { group in
            group.addTask { await child.stopWhenCancelled(gracePeriod: gracePeriod) }
            defer { group.cancelAll() }
            return await child.end()
        }
        let group = ProcessGroup(leader: child.process)
        var shellWasKilled = false
        if case .signalled = ending { shellWasKilled = record != nil && !Task.isCancelled }
        // The command may run on without the shell beside it.
        if shellWasKilled { kill(-group.leader, SIGTERM) }
        if shellWasKilled || Task.isCancelled, ending != .unstoppable, await !group.end(within: gracePeriod) {
            ending = .unstoppable
        }
        // The record of what runs on stays: it keeps the next controller from launching the job a second time.
        defer { if ending != .unstoppable || record == nil { command.removeFiles() } }
        return try await exit(ending, record, group)
    }

    /// The jobs that the state directory tells of: their commands run already, or have ended since their controller
    /// did.
    ///
    /// Call it once, before the first ``launch(_:)``: it takes the file of a launch that is just beginning for one that
    /// a dead controller left unfinished, and removes it.
    ///
    /// A command that an earlier controller started is found when it, or its controller, was killed in whatever way,
    /// and the directory is still there. None without ``Configuration/stateDirectory``.
    ///
    /// - Throws: `StackControllerError` when the directory cannot be read.
    public nonisolated(nonsending) func recover() async throws -> [JobID] { try state?.find() ?? [] }

    /// Waits until the command of a job that ``recover()`` has found has ended; cancelling the task stops it as it does
    /// in ``launch(_:)``.
    ///
    /// The end is noticed half a second late at most. A signal that ended the command is told as 128 + its number.
    ///
    /// - Throws: ``CommandLaunchError`` when the command is gone and has left no exit status: it was killed with all
    ///   that was around it, or the machine was started anew; and when it was to be stopped and cannot be, because what was
    ///   written down does not name its process for certain: then it runs on, and the next ``recover()`` finds it.
    public nonisolated(nonsending) func follow(_ job: JobID) async throws -> JobExit? {
        guard let file = state?.take(job) else { return nil }
        let status = try await RecoveredProcess(file: file, gracePeriod: configuration.gracePeriod).end()
        file.remove()
        state?.jobFile(job).remove()
        guard let status else {
            throw CommandLaunchError(
                description: "The command \(name) was gone when the controller came back, and left no exit status")
        }
        return JobExit(status: Int(status))
    }

    // MARK: Ending

    /// What the end of the process says of the command.
    private nonisolated(nonsending) func exit(
        _ ending: ChildProcess.Ending, _ record: RecordFile?, _ group: ProcessGroup
    ) async throws -> JobExit {
        switch ending {
        case .signalled(let signal):
            if let record, !Task.isCancelled, await record.readAtLast().process == nil {
                throw LauncherUnavailable(
                    message: "The command \(name) did not run: a signal (\(signal)) ended the shell that was to start "
                        + "it")
            }
            return JobExit(status: 128 + Int(signal), detail: "A signal (\(signal)) ended the command")
        case .unknown: throw CommandLaunchError(description: "It is not known how the command \(name) ended")
        case .unstoppable: throw CommandLaunchError(unstoppable: "The command \(name)", group)
        case .exited(let status):
            guard let record, !Task.isCancelled else { return JobExit(status: Int(status)) }
            let what: String
            switch await record.readAtLast().outcome(ofWrapperEndingWith: status) {
            case .ended(let status): return JobExit(status: Int(status))
            case .notExecuted: what = "could not execute it"
            case .notStarted: what = "could not start it"
            }
            throw LauncherUnavailable(
                message: "The command \(name) did not run: the shell \(what) (status \(status)), its output says why")
        }
    }
}
