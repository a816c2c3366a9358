import ArgumentParser
import CommandLaunching
import StacksAPI
import StacksController

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension Run {
    /// The launcher that starts COMMAND.
    func launcher(
        endpoint: Endpoint, output: CommandOutput?, descriptorLimit: UInt?
    ) throws -> any JobLauncher {
        // A dry run reserves nothing and launches nothing, so it needs no command.
        guard !command.isEmpty else { return RefusingLauncher() }
        var configuration = CommandLauncher.Configuration()
        configuration.secrets = [endpoint.token]
        configuration.descriptorLimit = descriptorLimit
        configuration.jobFileContent = jobFile == .details ? .details : .listed
        // Only the summary goes to standard output.
        configuration.output =
            try jobLogs.map { .files(directory: try directory($0, option: "--job-logs")) }
            ?? output.map { .fileDescriptor($0.descriptor) } ?? .standardError
        // A stack's key is a safe file name. A dry run does not touch running commands.
        if let stateDirectory, !dryRun {
            try StackSettings.check(
                key: stackOption.stack, type: .custom, queue: queueOption.queue.key, metadata: [:])
            configuration.stateDirectory =
                "\(try directory(stateDirectory, option: "--state-directory"))/\(stackOption.stack)"
        }
        // The agents use the server that their jobs come from.
        if let baseURL = endpoint.baseURL { configuration.environment[Endpoint.baseURLVariable] = baseURL }
        return try CommandLauncher(command: command, configuration: configuration)
    }

    /// The directory at `path`, which must exist: a mistake is found before a job fails because of it.
    private func directory(_ path: String, option: String) throws -> String {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ValidationError("\(option): the directory \(printable(path)) does not exist.")
        }
        return path
    }
}

/// Launches nothing.
private struct RefusingLauncher: JobLauncher {
    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        throw Failure.refused("there is no command for job \(job.id).")
    }
}
