public import StacksAPI
public import StacksController
import Subprocess

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Starts one process for each job: a command that runs a Buildkite agent, here or elsewhere.
///
/// The process finds the job's acquisition token in `BUILDKITE_AGENT_TOKEN` and its UUID in
/// `BUILDKITE_AGENT_ACQUIRE_JOB`, which is all that `buildkite-agent start` needs. Its life counts as the agent's: the
/// slot is free when the process has ended.
///
/// The rest of the environment is this process's own, or what of it ``Configuration/inheritance`` names, but for the
/// credentials of the controller itself (`BUILDKITE_AGENT_TOKEN`, `BUILDKITE_CLUSTER_TOKEN`), which no job may see. The
/// process leads a session of its own, so that a signal from the controller's terminal does not reach it; standard
/// input is empty.
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

    /// A launcher for `command`: an executable, looked up in `PATH` unless its name has a slash, and its arguments.
    ///
    /// - Throws: ``StackControllerError`` with the code `invalidConfiguration` when the command is empty, holds a zero
    ///   byte, or is no executable file, when the grace period is negative, and when the state directory cannot be used
    ///   or another launcher uses it.
    public init(command: [String], configuration: Configuration = Configuration()) throws {
        func refuse(_ message: String) -> StackControllerError {
            StackControllerError(code: .invalidConfiguration, message: message)
        }
        guard let name = command.first, !name.isEmpty else { throw refuse("The command to launch is empty") }
        guard !command.contains(where: { $0.utf8.contains(0) }) else {
            throw refuse("The command to launch holds a zero byte")
        }
        guard configuration.gracePeriod >= .zero else { throw refuse("The grace period must not be negative") }
        self.name = name
        arguments = Array(command.dropFirst())
        self.configuration = configuration
        if let problem = ExecutableLookup.problem(
            with: name, path: Self.searchPath(configuration), workingDirectory: configuration.workingDirectory)
        {
            throw refuse(problem)
        }
        state = try configuration.stateDirectory.map { try StateDirectory($0) }
    }

    private static func searchPath(_ configuration: Configuration) -> String? {
        configuration.environment["PATH"] ?? ExecutableLookup.ownPath
    }

    /// Runs the command for `job` until it has ended.
    ///
    /// - Throws: ``StackControllerError`` with the code `launcherUnusable` when no process can be started, which ends
    ///   the controller instead of failing one job after the other; ``CommandLaunchError`` when a process that was
    ///   started could not be followed.
    public nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        let record = try record(job.id)
        defer { record?.file.remove() }
        do {
            switch configuration.output {
            case .inherited:
                return try await launch(job, record, output: .currentStandardOutput, error: .currentStandardError)
            case .standardError:
                return try await launch(job, record, output: .currentStandardError, error: .currentStandardError)
            case .fileDescriptor(let number):
                let output = FileDescriptorOutput.fileDescriptor(
                    FileDescriptor(rawValue: number), closeAfterSpawningProcess: false)
                return try await launch(job, record, output: output, error: .combinedWithOutput)
            case .discarded:
                return try await launch(job, record, output: .discarded, error: .discarded)
            case .files(let directory):
                let file: FileDescriptor
                do { file = try LogFile.open(for: job.id, in: directory) } catch {
                    // Nothing is spawned that would close it.
                    try? record?.descriptor.close()
                    throw error
                }
                let output = FileDescriptorOutput.fileDescriptor(file, closeAfterSpawningProcess: true)
                return try await launch(job, record, output: output, error: .combinedWithOutput)
            }
        } catch let error as SubprocessError {
            throw Self.launchError(error, executable: name)
        }
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
    /// - Throws: ``StackControllerError`` when the directory cannot be read.
    public nonisolated(nonsending) func recover() async throws -> [JobID] { try state?.find() ?? [] }

    /// Waits until the command of a job that ``recover()`` has found has ended; cancelling the task stops it as it does
    /// in ``launch(_:)``.
    ///
    /// The end is noticed half a second late at most. A signal that ended the command is told as 128 + its number.
    ///
    /// - Throws: ``CommandLaunchError`` when the command is gone and has left no exit status: it was killed with all
    ///   that was around it, or the machine was started anew.
    public nonisolated(nonsending) func follow(_ job: JobID) async throws -> JobExit? {
        guard let file = state?.take(job) else { return nil }
        let status = await RecoveredProcess(file: file, gracePeriod: configuration.gracePeriod).end()
        file.remove()
        guard let status else {
            throw CommandLaunchError(
                description: "The command \(name) was gone when the controller came back, and left no exit status")
        }
        return JobExit(status: status)
    }

    private static func launchError(_ error: SubprocessError, executable: String) -> any Error {
        func unusable(_ message: String) -> StackControllerError {
            StackControllerError(code: .launcherUnusable, message: message)
        }
        return switch error.code {
        case .executableNotFound: unusable("The command \(executable) was not found")
        case .failedToChangeWorkingDirectory: unusable("The command's working directory cannot be entered")
        case .spawnFailed:
            unusable(
                "The command \(executable) could not be started"
                    + (error.underlyingError.map { ": \($0)" } ?? ""))
        default: CommandLaunchError(description: "The command \(executable) could not be followed (\(error.code))")
        }
    }

    private nonisolated(nonsending) func launch<Output: OutputProtocol, ErrorOutput: ErrorOutputProtocol>(
        _ job: LaunchedJob,
        _ record: Record?,
        output: Output,
        error: ErrorOutput
    ) async throws -> JobExit {
        guard let record else {
            let executable: Executable = name.contains("/") ? .path(FilePath(name)) : .name(name)
            return try await launch(
                job, executable, Arguments(arguments), input: .none, output: output, error: error)
        }
        return try await launch(
            job, .path("/bin/sh"), Arguments(["-c", ProcessRecord.wrapper, name, record.executable] + arguments),
            input: .fileDescriptor(record.descriptor, closeAfterSpawningProcess: true), output: output, error: error)
    }

    /// The file that says that the command runs, open for the shell that is to hold it, and what that shell starts.
    private typealias Record = (file: RecordFile, descriptor: FileDescriptor, executable: String)

    /// Makes the record of a job, before anything else is opened for it; `nil` without a state directory.
    private func record(_ job: JobID) throws -> Record? {
        guard let state else { return nil }
        // The shell would say of a command that is gone what a command can say itself: 127.
        let path = Self.searchPath(configuration)
        if let problem = ExecutableLookup.problem(
            with: name, path: path, workingDirectory: configuration.workingDirectory)
        {
            throw StackControllerError(code: .launcherUnusable, message: problem)
        }
        let executable = name.contains("/") ? name : ExecutableLookup.file(named: name, path: path) ?? name
        let (file, descriptor) = try state.record(job)
        return (file, descriptor, executable)
    }

    private nonisolated(nonsending) func launch<
        Input: InputProtocol, Output: OutputProtocol, ErrorOutput: ErrorOutputProtocol
    >(
        _ job: LaunchedJob,
        _ executable: Executable,
        _ arguments: Arguments,
        input: Input,
        output: Output,
        error: ErrorOutput
    ) async throws -> JobExit {
        var process = Subprocess.Configuration(
            executable: executable,
            arguments: arguments,
            environment: environment(for: job),
            workingDirectory: configuration.workingDirectory.map { FilePath($0) }
        )
        process.platformOptions.createSession = true
        process.platformOptions.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: configuration.gracePeriod)
        ]
        var group: ProcessGroup?
        do {
            let result = try await run(process, input: input, output: output, error: error) { execution in
                group = ProcessGroup(leader: execution.processIdentifier.value)
            }
            if Task.isCancelled { await group?.end(within: configuration.gracePeriod) }
            return JobExit(result.terminationStatus)
        } catch {
            if Task.isCancelled { await group?.end(within: configuration.gracePeriod) }
            throw error
        }
    }

    private var inherited: Environment {
        switch configuration.inheritance {
        case .everything: .inherit
        case .only(let names):
            .custom(
                names.reduce(into: [:]) { variables, name in
                    guard let value = getenv(name) else { return }
                    variables[Environment.Key(stringLiteral: name)] = String(cString: value)
                }
            )
        }
    }

    private func environment(for job: LaunchedJob) -> Environment {
        var changes: [Environment.Key: String?] = [:]
        for (name, value) in configuration.environment { changes[Environment.Key(stringLiteral: name)] = .some(value) }
        changes["BUILDKITE_CLUSTER_TOKEN"] = .some(nil)
        changes["BUILDKITE_AGENT_TOKEN"] = job.acquisitionToken.value
        changes["BUILDKITE_AGENT_ACQUIRE_JOB"] = job.id.description
        return inherited.updating(changes)
    }
}

/// Why it is not known how the process of a job ended.
///
/// It names the executable alone: arguments and environment may hold secrets.
public struct CommandLaunchError: Error, Sendable, CustomStringConvertible {
    /// What happened, for people.
    public var description: String

    init(description: String) { self.description = description }
}

extension JobExit {
    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self.init(status: code)
        case .signaled(let signal): self.init(status: 128 + signal, message: "A signal (\(signal)) ended the command")
        }
    }
}
