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
/// `BUILDKITE_AGENT_ACQUIRE_JOB`, which is all that `buildkite-agent start` needs. Its life counts as the agent's: the
/// slot is free when the process has ended.
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
    private let name: String
    private let arguments: [String]
    private let configuration: Configuration
    private let state: StateDirectory?
    private let environment: CommandEnvironment

    /// A launcher for `command`: an executable, looked up in `PATH` unless its name has a slash, and its arguments.
    ///
    /// - Throws: `ConfigurationError` when the command is empty, holds a zero
    ///   byte, or is no executable file, when the grace period is negative, when the state directory cannot be used or
    ///   another launcher uses it, and when others can write to that directory or to the one for output.
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
    }

    private static func searchPath(_ configuration: Configuration) -> String? {
        configuration.environment["PATH"] ?? ExecutableLookup.ownPath
    }

    /// Runs the command for `job` until it has ended.
    ///
    /// - Throws: `StackControllerError` with the code `launcherUnusable` when what is to be started is not there, or
    ///   not for this user to start, which ends the controller instead of failing one job after the other;
    ///   `LauncherUnavailable` for what may pass: too many processes or open files, a full disk, a command that is
    ///   there and cannot be executed; ``CommandLaunchError`` when something else has the name of the job's log file, or
    ///   it is not known how the command ended.
    public nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        try Task.checkCancellation()
        let (child, record) = try await BlockingWork.start { try start(job) }
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
        // A record of what runs on stays: it keeps the next controller from launching the job a second time.
        defer { if ending != .unstoppable { record?.remove() } }
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
        guard let status else {
            throw CommandLaunchError(
                description: "The command \(name) was gone when the controller came back, and left no exit status")
        }
        return JobExit(status: Int(status))
    }

    // MARK: Starting

    /// Starts the process of a job, and lets go of everything that was opened for it.
    private func start(_ job: LaunchedJob) throws -> (ChildProcess, RecordFile?) {
        let executable = try executable()
        let variables = try environment.variables(for: job)
        // The record comes first: a process that nothing tells of must not be there when this one is killed.
        guard let state else { return (try start(executable, [name] + arguments, variables, job, record: nil), nil) }
        let (file, open) = try state.record(job.id)
        defer { open.close() }
        do {
            let wrapped = ["sh", "-c", ProcessRecord.wrapper, name, executable] + arguments
            let child = try start("/bin/sh", wrapped, variables, job, record: open)
            #if canImport(Darwin)
                // What has no /proc does not tell a shell when it was started.
                if let start = ProcessStart(of: child.process) {
                    try? open.write("started \(start.description)\n")
                }
            #endif
            return (child, file)
        } catch {
            file.remove()
            throw error
        }
    }

    /// The file to execute, which is there and looks like one that can be.
    private func executable() throws -> String {
        let path = Self.searchPath(configuration)
        if let problem = ExecutableLookup.problem(
            with: name, path: path, workingDirectory: configuration.workingDirectory)
        {
            throw StackControllerError(code: .launcherUnusable, message: problem)
        }
        let executable = name.contains("/") ? name : ExecutableLookup.file(named: name, path: path) ?? name
        let isRelative = !executable.hasPrefix("/")
        let file = isRelative ? configuration.workingDirectory.map { "\($0)/\(executable)" } ?? executable : executable
        if let trouble = ExecutableFormat.trouble(with: file) {
            throw LauncherUnavailable(message: "The command \(name) cannot be executed: \(trouble)")
        }
        return executable
    }

    private func start(
        _ path: String, _ arguments: [String], _ variables: [String: String], _ job: LaunchedJob,
        record: OpenFile?
    ) throws -> ChildProcess {
        if let directory = configuration.workingDirectory, access(directory, X_OK) != 0 {
            throw StartFailure.error("The command's working directory cannot be entered", SystemError.last)
        }
        let null: OpenFile
        do { null = try OpenFile("/dev/null", O_RDWR) } catch {
            throw StartFailure.error("The command \(name) could not be started", error)
        }
        defer { null.close() }
        var log: OpenFile?
        defer { log?.close() }
        let (output, error): (Int32, Int32)
        switch configuration.output {
        case .inherited: (output, error) = (STDOUT_FILENO, STDERR_FILENO)
        case .standardError: (output, error) = (STDERR_FILENO, STDERR_FILENO)
        case .fileDescriptor(let number): (output, error) = (number, number)
        case .discarded: (output, error) = (null.descriptor, null.descriptor)
        case .files(let directory):
            let file = try LogFile.open(for: job.id, in: directory)
            log = file
            (output, error) = (file.descriptor, file.descriptor)
        }
        /// A stream that this process has closed is an empty one for the command.
        func opened(_ descriptor: Int32) -> Int32 { fcntl(descriptor, F_GETFD) < 0 ? null.descriptor : descriptor }
        let streams = (record?.descriptor ?? null.descriptor, opened(output), opened(error))
        do {
            let child = try ChildProcesses.shared.start {
                try Spawn.process(
                    path, arguments, variables, directory: configuration.workingDirectory, streams: streams)
            }
            configuration.descriptorLimit.map { Spawn.limitDescriptors(of: child.process, to: $0) }
            return child
        } catch SystemError(code: ENOENT) {
            // It was there a moment ago, so that it is what it needs that is gone: its interpreter, its loader.
            throw LauncherUnavailable(
                message: "The command \(name) cannot be executed: its interpreter or loader was not found")
        } catch SystemError(code: EACCES) {
            throw LauncherUnavailable(
                message: "The command \(name) cannot be executed: \(SystemError(code: EACCES))")
        } catch SystemError(code: E2BIG) {
            // All commands have the same environment, but for what is the job's own.
            throw CommandLaunchError(
                description: "The command \(name) could not be started: its arguments and environment are too long for "
                    + "the system (\(variables.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }) bytes of "
                    + "variables, \(job.acquisitionToken.value.utf8.count) of them the job's token)")
        } catch {
            throw StartFailure.error("The command \(name) could not be started", error)
        }
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

/// Why it is not known how the process of a job ended.
///
/// It names the executable alone: arguments and environment may hold secrets.
public struct CommandLaunchError: Error, Sendable, CustomStringConvertible {
    /// What happened, for people.
    public var description: String

    init(description: String) { self.description = description }

    init(unstoppable command: String, _ group: ProcessGroup) {
        self.init(
            description: "\(command) cannot be stopped and runs on: this process may not signal its processes (group "
                + "\(group.leader)), which are another user's")
    }
}
