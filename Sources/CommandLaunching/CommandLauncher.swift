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
/// The rest of the environment is this process's own, or what of it ``Configuration/inheritance`` names, without the
/// credentials of the controller itself (`BUILDKITE_AGENT_TOKEN`, `BUILDKITE_CLUSTER_TOKEN`, and whatever else holds their
/// values or one of ``Configuration/secrets``), which no job may see. The process leads a session of its own, so that a
/// signal from the controller's terminal does not reach it; no signal is blocked or ignored in it; standard input is
/// empty. A running command uses no descriptor and no thread of this process.
///
/// Stopping sends SIGTERM to the whole process group, and SIGKILL to what is left of it after
/// ``Configuration/gracePeriod``.
///
/// With a ``Configuration/stateDirectory`` the next controller finds the commands that a killed one leaves behind:
/// ``recover()`` names their jobs, and ``follow(_:)`` waits for their ends.
public struct CommandLauncher: JobLauncher {
    let name: String
    let arguments: [String]
    let configuration: Configuration
    let state: StateDirectory?
    let environment: CommandEnvironment
    /// `nil` when no output goes to files.
    private let logs: LogKeeper?

    /// A launcher for `command`: an executable, looked up in `PATH` unless its name has a slash, and its arguments.
    ///
    /// - Throws: `ConfigurationError` when the command is empty, holds a zero byte, or is no executable file, when the
    ///   grace period is negative, a limit on logs is too low, when the state directory cannot be used or another launcher
    ///   uses it, and when others can write to that directory, to the one for output or, without a state directory, to the
    ///   temporary one.
    public init(command: [String], configuration: Configuration = Configuration()) throws {
        try self.init(command: command, configuration: configuration) {
            try configuration.stateDirectory.map { try StateDirectory($0) }
        }
    }

    private init(
        command: [String], configuration: Configuration, state makeState: () throws -> StateDirectory?
    ) throws {
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
        try configuration.logLimits.validate()
        self.name = name
        arguments = Array(command.dropFirst())
        self.configuration = configuration
        if let problem = ExecutableLookup.problem(
            with: name, path: Self.searchPath(configuration), workingDirectory: configuration.workingDirectory)
        {
            throw ConfigurationError(problem)
        }
        // When it does not exist, the first job notices, which ends the controller.
        if case .files(let directory) = configuration.output, access(directory, F_OK) == 0,
            let problem = TrustedDirectory.problem(withShared: directory)
        {
            throw ConfigurationError(
                "The directory \(directory) for the commands' output cannot be trusted: \(problem)")
        }
        if case .files(let directory) = configuration.output {
            logs = LogKeeper(directory, configuration.logLimits)
        } else {
            logs = nil
        }
        environment = CommandEnvironment(configuration)
        state = try makeState()
        if state == nil { try JobFile.checkTemporaryDirectory() }
    }

    /// A launcher with another command or configuration that takes the place of `other`: it has the same state directory, and
    /// follows the same commands. What `other` has started goes on as it was started.
    ///
    /// - Throws: As ``init(command:configuration:)``, and `ConfigurationError` when the state directories differ.
    public init(command: [String], configuration: Configuration, inPlaceOf other: CommandLauncher) throws {
        guard configuration.stateDirectory == other.configuration.stateDirectory else {
            throw ConfigurationError("A launcher cannot take the place of one that has another state directory")
        }
        try self.init(command: command, configuration: configuration, state: { other.state })
    }

    static func searchPath(_ configuration: Configuration) -> String? {
        configuration.environment["PATH"] ?? ExecutableLookup.ownPath
    }

    /// Runs the command for `job` until it has ended.
    ///
    /// - Returns: The exit of the command; `JobExit.locked` when an earlier command for the job could not be stopped and
    ///   still runs, so that the job is given back.
    /// - Throws: `StackControllerError` with the code `launcherUnusable` when the command does not exist, or this user
    ///   may not execute it, which ends the controller instead of failing one job after the other;
    ///   `LauncherUnavailable` for what may pass: too many processes or open files, a full disk, a command that is
    ///   there and cannot be executed, details that cannot be read; ``CommandLaunchError`` when something else has the name
    ///   of the job's log file or of its record, or it is not known how the command ended.
    public nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        guard let logs else { return try await run(job) }
        return try await logs.keeping(job.id) { try await run(job) }
    }

    private nonisolated(nonsending) func run(_ job: LaunchedJob) async throws -> JobExit {
        let details = try await details(of: job)
        try Task.checkCancellation()
        let command: StartedCommand
        do {
            command = try await BlockingWork.start { try start(job, details) }
        } catch is RunsAlready {
            return JobExit(
                status: JobExit.locked.status, detail: "An earlier command for the job cannot be stopped and still runs"
            )
        }
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
        // The command may still run although its shell does not.
        if shellWasKilled { kill(-group.leader, SIGTERM) }
        if shellWasKilled || Task.isCancelled, ending != .unstoppable, await !group.end(within: gracePeriod) {
            ending = .unstoppable
        }
        // The record of what runs on stays: it keeps the next controller from launching the job a second time.
        defer { if ending != .unstoppable || record == nil { command.removeFiles() } }
        return try await exit(ending, record, group)
    }

    /// The jobs that have a record in the state directory: their commands still run, or have ended since their controller
    /// did.
    ///
    /// Call it once, before the first ``launch(_:)``: it removes the unfinished file of a launch.
    ///
    /// The commands of an earlier controller are found however they or the controller ended, as long as the directory
    /// exists. There are none without ``Configuration/stateDirectory``.
    ///
    /// - Throws: `StackControllerError` when the directory cannot be read, or a record in it that does not have its job's
    ///   UUID in its name. It names the file.
    public nonisolated(nonsending) func recover() async throws -> [JobID] { try state?.find() ?? [] }

    /// Waits until the command of a job that ``recover()`` has found has ended. Cancelling the task stops it, as it does in
    /// ``launch(_:)``.
    ///
    /// The end is noticed within half a second. The exit status of a command that a signal ended is 128 + the signal's number.
    ///
    /// - Throws: ``CommandLaunchError`` when the command has ended without an exit status, because its shell was killed too
    ///   or the machine was started again. Also when the command cannot be stopped, because its record does not name its
    ///   process for certain, and when the record cannot be read for ten seconds: then the record stays, and the next
    ///   ``recover()`` finds it.
    public nonisolated(nonsending) func follow(_ job: JobID) async throws -> JobExit? {
        guard let file = state?.take(job) else { return nil }
        guard let logs else { return try await follow(job, file) }
        return try await logs.keeping(job) { try await follow(job, file) }
    }

    private nonisolated(nonsending) func follow(_ job: JobID, _ file: RecordFile) async throws -> JobExit {
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

    /// What the end of the process says about the command.
    private nonisolated(nonsending) func exit(
        _ ending: ChildProcess.Ending, _ record: RecordFile?, _ group: ProcessGroup
    ) async throws -> JobExit {
        let exit: JobExit
        switch ending {
        case .exited(let status): exit = JobExit(status: Int(status))
        case .signalled(let signal):
            exit = JobExit(status: 128 + Int(signal), detail: "A signal (\(signal)) ended the command")
        case .unknown: throw CommandLaunchError(description: "It is not known how the command \(name) ended")
        case .unstoppable: throw CommandLaunchError(unstoppable: "The command \(name)", group)
        }
        guard let record, !Task.isCancelled else { return exit }
        let why: String
        switch ProcessRecord.outcome(ofWrapper: ending, record: try await record.looking { try $0.read() }) {
        case .ended, .signalled: return exit
        case .unknown:
            throw CommandLaunchError(
                description: "It is not known how the command \(name) ended: its record \(record.path) is gone")
        case .notExecuted: why = "could not execute it"
        case .notStarted: why = "could not start it"
        }
        throw LauncherUnavailable(
            message: "The command \(name) did not run: the shell \(why) (status \(exit.status)), its output says why")
    }
}
