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
        abstract: "Run a stack: start a command for each scheduled job that matches.",
        discussion: """
            Polls the queue, reserves the jobs whose rules match the tags, and starts COMMAND for each of them, with \
            the job's acquisition token in BUILDKITE_AGENT_TOKEN and its UUID in BUILDKITE_AGENT_ACQUIRE_JOB. COMMAND \
            does not get the controller's own token. The agent counts as running for as long as COMMAND runs.

            COMMAND also gets STACKS_JOB_ID, _STACK, _QUEUE, _PRIORITY, _SCHEDULED_AT, _PIPELINE, _BUILD, _BRANCH and \
            _STEP, STACKS_JOB_RULES with a rule on each line, STACKS_JOB_RULE_KEY for each rule 'key=value', and \
            STACKS_JOB_FILE, the path of a file with the job as JSON. Pipelines decide what is in them: quote them.

            SIGTERM and SIGINT drain: the controller takes no new jobs, waits for running commands, and de-registers \
            the stack. A second signal, or SIGQUIT, stops the commands at once. SIGHUP, SIGUSR1, SIGUSR2 and \
            SIGALRM change nothing. The log goes to stderr, on a terminal with a status line below it. A summary goes to \
            stdout at the end.

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
        help: ArgumentHelp(
            """
            A tag to match jobs' rules with; can be repeated. Several values of a key match any of them, and the value \
            '*' matches any.
            """,
            valueName: "key=value"
        )
    )
    var tags: [KeyValue] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The number of jobs in flight at a time, 1 or more.", valueName: "n")
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
            "The time limit of one poll, up to 3600; then the next one starts. (default: 10)", valueName: "seconds"),
        transform: Seconds.init(parsing:)
    )
    var pollTimeout: Seconds?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The time until a job's token expires, up to 3600. A command whose agent has not acquired the job by then is \
            stopped. (default: the server's, 900)
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
            The exit status of a job whose command ended before an agent acquired it, -1 or 1 to 255. The job's page \
            shows the command's own status in words.
            """,
            valueName: "n"
        )
    )
    var launchFailureExitStatus = -1

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The exit status for failures that a restart cannot fix, 1 to 255: an invalid token, a refused stack, an \
            unknown queue. A supervisor can tell them from temporary ones.
            """,
            valueName: "n"
        )
    )
    var permanentFailureExitStatus = 1

    @Flag(
        help: """
            End as soon as no scheduled job matches the tags and the commands have ended. The exit status is 1 if a \
            command ended before an agent acquired its job, also if that could not be reported. If three in a row do, and \
            three more tries, it ends then.
            """
    )
    var once = false

    @Flag(help: "Poll, match and log what would start, but reserve nothing.")
    var dryRun = false

    /// What the file that STACKS_JOB_FILE names holds.
    enum JobFileContent: String, CaseIterable, ExpressibleByArgument {
        case details, listed
    }

    @Option(
        help: ArgumentHelp(
            """
            The content of the file that STACKS_JOB_FILE names: the job as it was listed, or also its command and \
            environment, which can contain secrets and cost one request per job.
            """,
            valueName: "details|listed"
        )
    )
    var jobFile = JobFileContent.listed

    @Flag(
        help: """
            Add no notifications to jobs' pages. Without this a job's page says what the job waits for, that it is \
            reserved or being launched, or that it was given back and why.
            """
    )
    var noJobNotifications = false

    @Option(
        help: ArgumentHelp(
            "A directory for the output of the commands, one file per job. (default: standard error)",
            valueName: "directory"
        ),
        completion: .directory
    )
    var jobLogs: String?

    @Option(
        help: ArgumentHelp(
            """
            A directory on a local disk for records of running commands. A restarted controller with the same stack \
            and directory finds the commands that still run, even after a crash, starts no second one for their jobs, \
            and can stop them. A second controller for the same stack is refused.
            """,
            valueName: "directory"
        ),
        completion: .directory
    )
    var stateDirectory: String?

    @OptionGroup var listening: ListenOptions

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("The command to start for each job, after '--'.", valueName: "command")
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
            throw ValidationError("--headers needs a command that makes one call: 'run' prints a summary.")
        }
        if command.isEmpty, !dryRun { throw ValidationError("Pass the command to start for each job after '--'.") }
    }

    func run() async throws {
        do {
            try await serve()
        } catch {
            var failure = (error as? Failure) ?? (error as? StackControllerError).map { Failure($0) }
            guard failure?.isPermanent == true else { throw error }
            failure?.exitCode = ExitCode(Int32(permanentFailureExitStatus))
            throw failure ?? error
        }
    }

    private func serve() async throws {
        // While the token is in the environment only: commands run as this user, and other people write them.
        ControllerProcess.hideMemory()
        ControllerProcess.reapOrphansAsFirstProcess()
        let observation = listening.observation
        let descriptorLimit = try DescriptorLimit.raise(for: DescriptorLimit.forConnections + listening.descriptors)
        let terminal = Terminal(descriptor: STDERR_FILENO, sink: StandardError.sink)
        let form = terminal == nil ? LineLogHandler.Form.full : .short
        // On a terminal, the status line replaces what is logged at level info.
        let logger = global.logger(default: terminal == nil ? .info : .notice, form: form).observed(by: observation)
        // The controller logs what each call means to it, so the client's own lines have a higher threshold.
        let connection = try Connection(
            options: global, logger: global.logger(default: .notice, form: form).observed(by: observation),
            observation: observation)
        ControllerProcess.erase(connection.endpoint.token)
        #if canImport(FoundationNetworking)
            if global.transport == .urlsession {
                logger.warning(
                    "URLSession on Linux crashes on some responses (before Swift 6.4): prefer '--transport curl'")
            }
        #endif
        // The commands' output would break the status line. With a state directory they outlive this process, and a
        // pipe without a reader would end them.
        let shown =
            try terminal != nil && jobLogs == nil && stateDirectory == nil
            ? CommandOutput(to: StandardError.sink) : nil
        defer { shown?.close() }
        try await connection.closing {
            let launcher = ObservedLauncher(
                try launcher(endpoint: connection.endpoint, output: shown, descriptorLimit: descriptorLimit),
                observation: observation)
            let client = connection.client
            let controller = try controller(client: client, launcher: launcher, logger: logger, on: terminal)
            let server = listening.server(observation, logger: logger, logs: jobLogs) { [controller] }
            async let _: Void? = server?.run()
            // Nothing is sent before it is certain that it can be watched.
            try await server?.listening()
            // A controller waits for an unreachable server for as long as it takes. With --once it should fail.
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
            // The summary is printed even after a failure, unless nothing was sent.
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
            // The status line is removed by another thread, and stands where the summary goes.
            if terminal != nil { StandardError.sink.flush(within: StandardError.patience) }
            // A reader that does not read delays the end no longer than this.
            let printed = Result(catching: {
                try StandardOutput.write(
                    summary.result.text(as: global.output, withHeaders: false), within: StandardError.patience)
            })
            try outcome.get()
            if once, let failure = summary.failure { throw failure }
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
        configuration.tags = tags.values()
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
}

extension Result where Failure == any Error {
    /// What `body` returns or throws.
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
