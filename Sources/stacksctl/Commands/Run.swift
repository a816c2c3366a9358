import ArgumentParser
import CommandLaunching
import Foundation
import Logging
import StacksAPI
import StacksController
import StandardStreams

/// `stacksctl run`
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Be a stack: start a command for each scheduled job that matches.",
        discussion: """
            Polls the queue, reserves the jobs whose rules the tags match, and starts COMMAND for each with the job's \
            acquisition token as BUILDKITE_AGENT_TOKEN and its UUID as BUILDKITE_AGENT_ACQUIRE_JOB, at most N at a \
            time. The token of this controller is not handed on. The life of COMMAND is taken for the agent's.

            SIGTERM and SIGINT drain: no new jobs, running commands end in peace, then the stack is de-registered. A \
            second signal, or SIGQUIT, stops the commands at once. SIGHUP, SIGUSR1, SIGUSR2 and SIGALRM change nothing. \
            The log is on stderr, on a terminal with a \
            line below it that shows what is going on; a summary is on stdout at the end.

            EXAMPLES:
              stacksctl run --stack mac-fleet --queue default --tag os=macos \\
                --max-in-flight 4 -- buildkite-agent start
              stacksctl run --stack sizing --queue default --dry-run
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup var queueOption: QueueOption
    @OptionGroup(visibility: .hidden) var global: GlobalOptions

    @Option(
        name: .customLong("tag"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("What the commands offer to jobs' rules; may be given many times.", valueName: "key=value")
    )
    var tags: [KeyValue] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many jobs may be in hand at a time, 1 or more.", valueName: "n")
    )
    var maxInFlight = 10

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The time between two polls. (default: 1)", valueName: "seconds"),
        transform: Seconds.init(parsing:)
    )
    var pollInterval: Seconds?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long one poll may take, up to 3600: after that a new one is made. (default: 10)", valueName: "seconds"),
        transform: Seconds.init(parsing:)
    )
    var pollTimeout: Seconds?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            How long a job's token lives, up to 3600. A command whose agent has not taken the job by then is stopped. \
            (default: the server's, 900)
            """,
            valueName: "seconds"
        ),
        transform: Seconds.init(parsing:)
    )
    var tokenLifetime: Seconds?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The exit status of a job whose command ended before an agent had taken it, -1 or 1 to 255. The command's own \
            is said in words.
            """,
            valueName: "n"
        )
    )
    var launchFailureExitStatus = -1

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The exit status when starting it again would not help, 1 to 255: the token is not accepted, the stack \
            refused, the queue not there. A supervisor can tell it from what passes.
            """,
            valueName: "n"
        )
    )
    var permanentFailureExitStatus: Int32 = 1

    @Flag(
        help: """
            End as soon as no scheduled job matches the tags, and the commands have ended. The exit status is 1 \
            when a command ended before an agent took its job.
            """
    )
    var once = false

    @Flag(help: "Poll, match and log what would be started, and reserve nothing.")
    var dryRun = false

    @Flag(
        help: """
            Say nothing on jobs' pages. Without this a job's page says that the job waits for a slot, is reserved, is \
            being launched, or was given back and why.
            """
    )
    var noJobNotifications = false

    @Option(
        help: ArgumentHelp(
            "A directory for what the commands print, a file for each job. (default: standard error)",
            valueName: "directory"
        ),
        completion: .directory
    )
    var jobLogs: String?

    @Option(
        help: ArgumentHelp(
            """
            A directory on this machine's own disk in which to write down what runs. Started again with the same \
            stack and directory, after whatever end, it finds the commands that still run, starts no second one for \
            their jobs, and stops them when it has to. A second controller for the same stack is refused.
            """,
            valueName: "directory"
        ),
        completion: .directory
    )
    var stateDirectory: String?

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("What to start for each job, after '--'.", valueName: "command")
    )
    var command: [String] = []

    func validate() throws {
        guard maxInFlight > 0 else {
            throw ValidationError("--max-in-flight is \(maxInFlight): it must be at least 1.")
        }
        guard (-1...255).contains(launchFailureExitStatus), launchFailureExitStatus != 0 else {
            throw ValidationError(
                "--launch-failure-exit-status is \(launchFailureExitStatus): it must be -1, or from 1 to 255.")
        }
        guard (1...255).contains(permanentFailureExitStatus) else {
            throw ValidationError(
                "--permanent-failure-exit-status is \(permanentFailureExitStatus): it must be from 1 to 255.")
        }
        if global.headers {
            throw ValidationError("--headers is for commands that ask once: the answer of 'run' is a summary.")
        }
        if command.isEmpty, !dryRun { throw ValidationError("Give the command to start for each job after '--'.") }
    }

    func run() async throws {
        do {
            try await serve()
        } catch {
            var failure = (error as? Failure) ?? (error as? StackControllerError).map { Failure($0) }
            guard failure?.isPermanent == true else { throw error }
            failure?.exitCode = ExitCode(permanentFailureExitStatus)
            throw failure ?? error
        }
    }

    private func serve() async throws {
        // Before the token is anywhere but in the environment: commands run as this user, and are others' work.
        ControllerProcess.hideMemory()
        ControllerProcess.reapOrphansAsFirstProcess()
        let descriptorLimit = try DescriptorLimit.raise()
        let terminal = Terminal(descriptor: STDERR_FILENO, sink: StandardError.sink)
        let form = terminal == nil ? LineLogHandler.Form.full : .short
        // The painted line shows what is logged as information elsewhere.
        let logger = global.logger(default: terminal == nil ? .info : .notice, form: form)
        // The controller says what each call means to it, so the client's own lines are for other levels.
        let connection = try Connection(options: global, logger: global.logger(default: .notice, form: form))
        ControllerProcess.erase(connection.endpoint.token)
        #if canImport(FoundationNetworking)
            if global.transport == .urlsession {
                logger.warning(
                    "URLSession on Linux does not survive every response (before Swift 6.4): prefer '--transport curl'")
            }
        #endif
        // What commands print would break the painted line. With a state directory they live longer than this process,
        // and a pipe that nobody reads any more would end them.
        let shown =
            try terminal != nil && jobLogs == nil && stateDirectory == nil
            ? CommandOutput(to: StandardError.sink) : nil
        defer { shown?.close() }
        try await connection.closing {
            let launcher = ObservedLauncher(
                try launcher(endpoint: connection.endpoint, output: shown, descriptorLimit: descriptorLimit))
            let client = connection.client
            let controller = try controller(client: client, launcher: launcher, logger: logger, on: terminal)
            // A controller waits for a server that cannot be reached, however long that takes. Whoever asked for one
            // round wants to hear of it.
            if once {
                var options = CallOptions()
                options.waitsOutProxies = true
                do {
                    _ = try await client.tokenIdentity(options: options)
                } catch let error as StacksAPIError {
                    // A server in a deploy says 403 or 404 for a moment. The controller hears it too if it lasts, and
                    // believes it when it is said again after a pause.
                    let mayPass = [.forbidden, .notFound].contains(error.code) && !error.isProxyRefusal
                    guard mayPass else { throw Failure(beforeRun: error) }
                }
            }
            let run = SignalledRun(controller: controller, logger: logger)
            let outcome = await Result {
                guard let terminal else { return try await run.run() }
                try await LiveProgress(controller: controller, terminal: terminal, stack: stackOption.stack)
                    .during { try await run.run() }
            }
            // What was done is said even when it ended badly; when nothing was sent, there is nothing to say.
            let tally = connection.observed.tally
            guard tally.requests > 0 else { return try outcome.get() }
            let summary = RunSummary(
                stack: stackOption.stack,
                queue: queueOption.queue.key.rawValue,
                totals: controller.status.totals,
                isDryRun: dryRun,
                dispatchLatencies: launcher.dispatchLatencies,
                requests: tally.requests,
                httpVersions: tally.httpVersions.sorted(),
                connectionsOpened: connection.connectionsOpened()
            )
            shown?.close()
            // A reader that does not read keeps the run from ending no longer than this.
            let printed = Result(catching: {
                try StandardOutput.write(
                    summary.answer.text(as: global.output, withHeaders: false), within: StandardError.patience)
            })
            try outcome.get()
            if once, summary.totals.failed > 0 {
                throw Failure.refused(
                    "\(summary.totals.failed) of the jobs failed, because their command ended before an agent took them."
                )
            }
            try printed.get()
        }
    }

    private func controller(
        client: StacksClient,
        launcher: any JobLauncher,
        logger: Logger,
        on terminal: Terminal?
    ) throws -> StackController {
        var configuration = StackController.Configuration(
            stackKey: stackOption.stack,
            queue: queueOption.queue.key
        )
        configuration.tags = try tags.dictionary(option: "--tag")
        configuration.metadata = ["version": StacksAPIVersion.current]
        configuration.maximumInFlight = maxInFlight
        if let pollInterval { configuration.pollInterval = pollInterval.duration }
        if let pollTimeout { configuration.pollTimeout = pollTimeout.duration }
        configuration.tokenLifetime = tokenLifetime?.duration
        configuration.mode = once ? .untilIdle : .continuous
        configuration.isDryRun = dryRun
        configuration.notifiesJobs = !noJobNotifications
        configuration.launchFailureExitStatus = launchFailureExitStatus
        if terminal != nil { configuration.statusInterval = nil }
        return try StackController(client: client, configuration: configuration, launcher: launcher, logger: logger)
    }

    private func launcher(
        endpoint: Endpoint, output: CommandOutput?, descriptorLimit: UInt?
    ) throws -> any JobLauncher {
        // A dry run reserves nothing, so nothing is ever launched; what would be need not be known.
        guard !command.isEmpty else { return RefusingLauncher() }
        var configuration = CommandLauncher.Configuration()
        configuration.secrets = [endpoint.token]
        configuration.descriptorLimit = descriptorLimit
        // Standard output is the summary's alone.
        configuration.output =
            try jobLogs.map { .files(directory: try directory($0, option: "--job-logs")) }
            ?? output.map { .fileDescriptor($0.descriptor) } ?? .standardError
        // A stack's key is a safe name for a file. A dry run has no business with what runs.
        if let stateDirectory, !dryRun {
            try StackSettings.check(
                key: stackOption.stack, type: .custom, queue: queueOption.queue.key, metadata: [:])
            configuration.stateDirectory =
                "\(try directory(stateDirectory, option: "--state-directory"))/\(stackOption.stack)"
        }
        // The agents speak to the server that gave their jobs.
        if let baseURL = endpoint.baseURL { configuration.environment[Endpoint.baseURLVariable] = baseURL }
        return try CommandLauncher(command: command, configuration: configuration)
    }
}

extension Run {
    /// The directory at `path`, which must be there: one that is not is a mistake, and is found before a job fails of it.
    private func directory(_ path: String, option: String) throws -> String {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw ValidationError("\(option): there is no directory \(printable(path)).")
        }
        return path
    }
}

/// Launches nothing.
private struct RefusingLauncher: JobLauncher {
    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        throw Failure.refused("no command was given for job \(job.id).")
    }
}

extension Result where Failure == any Error {
    /// What `body` returns or throws.
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
