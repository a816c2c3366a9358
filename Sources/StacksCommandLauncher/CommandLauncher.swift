import StacksAPI
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
/// The rest of the environment is this process's own, or what of it ``Configuration/inheritance`` names, but for the credentials of the controller itself
/// (`BUILDKITE_AGENT_TOKEN`, `BUILDKITE_CLUSTER_TOKEN`), which no job may see. The process leads a session of its own,
/// so that a signal from the controller's terminal does not reach it; standard input is empty.
///
/// Stopping sends SIGTERM to the whole process group, and SIGKILL to what is left of it after
/// ``Configuration/gracePeriod``.
public struct CommandLauncher: JobLauncher {
    /// How processes are started and stopped.
    public struct Configuration: Sendable {
        /// Where standard output and standard error of the processes go.
        public enum Output: Sendable, Hashable {
            /// To those of this process.
            case inherited
            /// Both to the standard error of this process, for one whose standard output is an answer.
            case standardError
            /// Nowhere.
            case discarded
            /// Appended to a file for each job, `<job's UUID>.log` in this directory, which exists. The files are
            /// readable for their owner alone.
            case files(directory: String)
        }

        /// Where the output goes. Inherited by default.
        public var output: Output = .inherited

        /// How long a process group has between SIGTERM and SIGKILL. 10 seconds by default, as long as Buildkite's
        /// agent gives its job when it is told to stop.
        public var gracePeriod: Duration = .seconds(10)

        /// The directory that processes start in, or `nil` for that of this process.
        public var workingDirectory: String?

        /// Which variables of this process the commands are given.
        public enum Inheritance: Sendable, Hashable {
            /// All, but for the controller's own credentials.
            case everything
            /// Only those with these names, where they are set. A command that is looked up by its name needs `PATH`.
            case only(Set<String>)
        }

        /// What is inherited. Everything by default, because Buildkite's agent is configured by its environment; a
        /// controller that holds credentials of other kinds names what its commands need instead.
        public var inheritance: Inheritance = .everything

        /// Variables beside those of this process; `nil` removes one. The two that hold the job's token and UUID
        /// cannot be changed.
        public var environment: [String: String?] = [:]

        /// The defaults.
        public init() {}
    }

    private let executable: Executable
    private let arguments: Arguments
    private let name: String
    private let configuration: Configuration

    /// A launcher for `command`: an executable, looked up in `PATH` unless its name has a slash, and its arguments.
    ///
    /// - Throws: ``StackControllerError`` with the code `invalidConfiguration` when the command is empty, holds a zero
    ///   byte, or is no executable file, and when the grace period is negative.
    public init(command: [String], configuration: Configuration = Configuration()) throws {
        func refuse(_ message: String) -> StackControllerError {
            StackControllerError(code: .invalidConfiguration, message: message)
        }
        guard let name = command.first, !name.isEmpty else { throw refuse("The command to launch is empty") }
        guard !command.contains(where: { $0.utf8.contains(0) }) else {
            throw refuse("The command to launch holds a zero byte")
        }
        guard configuration.gracePeriod >= .zero else { throw refuse("The grace period must not be negative") }
        let path = configuration.environment["PATH"] ?? ExecutableLookup.ownPath
        if let problem = ExecutableLookup.problem(
            with: name, path: path, workingDirectory: configuration.workingDirectory)
        {
            throw refuse(problem)
        }
        self.name = name
        executable = name.contains("/") ? .path(FilePath(name)) : .name(name)
        arguments = Arguments(Array(command.dropFirst()))
        self.configuration = configuration
    }

    /// Runs the command for `job` until it has ended.
    ///
    /// - Throws: ``StackControllerError`` with the code `launcherUnusable` when no process can be started, which ends
    ///   the controller instead of failing one job after the other; ``CommandLaunchError`` when a process that was
    ///   started could not be followed.
    public nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        do {
            switch configuration.output {
            case .inherited:
                return try await launch(job, output: .currentStandardOutput, error: .currentStandardError)
            case .standardError:
                return try await launch(job, output: .currentStandardError, error: .currentStandardError)
            case .discarded:
                return try await launch(job, output: .discarded, error: .discarded)
            case .files(let directory):
                let file = try LogFile.open(for: job.id, in: directory)
                let output = FileDescriptorOutput.fileDescriptor(file, closeAfterSpawningProcess: true)
                return try await launch(job, output: output, error: .combinedWithOutput)
            }
        } catch let error as SubprocessError {
            throw Self.launchError(error, executable: name)
        }
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
            let result = try await run(process, input: .none, output: output, error: error) { execution in
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
