import StacksAPI
import StacksController

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A command that was started for a job, and the files that last as long as it.
struct StartedCommand: Sendable {
    let child: ChildProcess
    /// `nil` without a state directory.
    let record: RecordFile?
    let file: JobFile

    func removeFiles() {
        file.remove()
        record?.remove()
    }
}

extension CommandLauncher {
    /// What the job runs, if its file is to hold that.
    ///
    /// - Throws: ``CommandLaunchError`` for what is this job's alone, `LauncherUnavailable` for everything else: an API that
    ///   cannot be reached is no reason to fail a job.
    nonisolated(nonsending) func details(of job: LaunchedJob) async throws -> Job? {
        guard configuration.jobFileContent == .details else { return nil }
        do {
            return try await job.details()
        } catch let error as StacksAPIError {
            let what = "The job's command and environment cannot be read: \(error)"
            switch error.code {
            case .notFound, .badRequest, .unprocessable, .decoding, .invalidArgument:
                throw error.isProxyRefusal ? LauncherUnavailable(message: what) : CommandLaunchError(description: what)
            default: throw LauncherUnavailable(message: what)
            }
        }
    }

    /// Starts the process of a job, and closes everything that was opened for it.
    func start(_ job: LaunchedJob, _ details: Job?) throws -> StartedCommand {
        let executable = try executable()
        // The record comes first: when this process is killed, no command may be there that no record names.
        let record = try state?.record(job.id)
        defer { record?.open.close() }
        var file: JobFile?
        do {
            let written = try JobFile.write(JobDocument(job: job.scheduled, details: details), in: state)
            file = written
            let (path, words) =
                record == nil
                ? (executable, [name] + arguments)
                : ("/bin/sh", ["sh", "-c", ProcessRecord.wrapper, name, executable] + arguments)
            let variables = try environment.variables(for: job, file: written.path, arguments: words)
            let child = try start(path, words, variables, job, record: record?.open)
            #if canImport(Darwin)
                // Without /proc the shell does not know when it was started.
                if let start = ProcessStart(of: child.process) {
                    try? record?.open.write("started \(start.description)\n")
                }
            #endif
            return StartedCommand(child: child, record: record?.file, file: written)
        } catch {
            file?.remove()
            record?.file.remove()
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
}
