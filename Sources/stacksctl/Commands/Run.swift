import ArgumentParser
import CommandLaunching
import Logging
import StacksAPI
import StacksController
import StandardStreams

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `stacksctl run`
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Run stacks: start a command for each scheduled job that matches.",
        discussion: """
            Polls the queue, reserves the jobs whose rules match the tags, and starts COMMAND for each of them, with \
            the job's acquisition token in BUILDKITE_AGENT_TOKEN and its UUID in BUILDKITE_AGENT_ACQUIRE_JOB. COMMAND \
            does not get the controller's own token. The agent counts as running for as long as COMMAND runs.

            COMMAND also gets STACKS_JOB_ID, _STACK, _QUEUE, _PRIORITY, _SCHEDULED_AT, _PIPELINE, _BUILD, _BRANCH and \
            _STEP, STACKS_JOB_RULES with a rule on each line, STACKS_JOB_RULE_KEY for each rule 'key=value', and \
            STACKS_JOB_FILE, the path of a file with the job as JSON. Pipelines decide what is in them: quote them.

            With --config a file names the stack, or several that share slots, each with its queue, tags and command. \
            Settings that are not lists can also be set by the environment, under names such as \
            STACKSCTL_MAX_IN_FLIGHT; they count more than the file, and options count more than both.

            The log goes to stderr, on a terminal with a status line below it. A summary goes to stdout at the end.

            SIGNALS:
            \(RunSignal.help)

            EXAMPLES:
              stacksctl run --stack mac-fleet --queue default --tag os=macos \\
                --max-in-flight 4 -- buildkite-agent start
              stacksctl run --stack sizing --queue default --dry-run
              stacksctl run --config stacks.yaml --check
            """
    )

    @Option(help: StackOption.help)
    var stack: String?

    @Option(
        parsing: .unconditional,
        help: QueueOption.help)
    var queue: QueueArgument?

    @Option(
        help: ArgumentHelp(
            "A file with the stacks and their settings, in YAML, instead of --stack, --queue, --tag and COMMAND.",
            valueName: "file"
        ),
        completion: .file(extensions: ["yaml", "yml"])
    )
    var config: String?

    @Flag(
        help: "Say whether the file of --config is good, and if not, everything that is wrong with it. Start nothing.")
    var check = false

    @OptionGroup var options: RunOptions
    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The exit status for failures that a restart cannot fix, 1 to 255: an invalid token, a refused stack, an \
            unknown queue. A supervisor can tell them from temporary ones. (default: 1)
            """,
            valueName: "n"
        )
    )
    var permanentFailureExitStatus: Int?

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
        help: ArgumentHelp("The command to start for each job, after '--'.", valueName: "command"),
        completion: .file()
    )
    var command: [String] = []

    func validate() throws {
        if let status = permanentFailureExitStatus, !RunSettings.permanentFailureExitStatuses.contains(status) {
            throw ValidationError(
                "--permanent-failure-exit-status is \(status): it must be \(RunSettings.permanentFailureExitStatuses.inWords)."
            )
        }
        if global.headers {
            throw ValidationError("--headers needs a command that makes one call: 'run' prints a summary.")
        }
        guard config == nil else {
            let others: [(name: String, isGiven: Bool)] = [
                ("--stack", stack != nil), ("--queue", queue != nil), ("--tag", !options.tags.isEmpty),
                ("the command", !command.isEmpty),
            ]
            guard let other = others.first(where: \.isGiven) else { return }
            throw ValidationError("With --config, \(other.name) belongs in the file.")
        }
        if check { throw ValidationError("--check needs --config.") }
        if jobLogs == nil, options.jobLogLimit != nil || options.jobLogsKept != nil {
            throw ValidationError("--job-log-limit and --job-logs-kept need --job-logs.")
        }
        if stack == nil { throw ValidationError("Missing expected argument '--stack <key>'") }
        if queue == nil { throw ValidationError("Missing expected argument '--queue <queue>'") }
        if command.isEmpty, !dryRun { throw ValidationError("Pass the command to start for each job after '--'.") }
    }

    func run() async throws {
        let settings = try settings()
        if check { return try StandardOutput.write(settings.praise(of: config ?? "")) }
        do {
            try await serve(settings)
        } catch {
            var failure = (error as? Failure) ?? (error as? StackControllerError).map { Failure($0) }
            guard failure?.isPermanent == true else { throw error }
            failure?.exitCode = ExitCode(Int32(settings.permanentFailureExitStatus))
            throw failure ?? error
        }
    }

    private func serve(_ settings: RunSettings) async throws {
        // While the token is in the environment only: commands run as this user, and other people write them.
        ControllerProcess.hideMemory()
        ControllerProcess.reapOrphansAsFirstProcess()
        let observation = settings.listening.observation
        let descriptorLimit = try DescriptorLimit.raise(
            for: DescriptorLimit.forConnections + settings.listening.descriptors)
        let global = settings.global
        if global.logFormat == .json { StandardError.form = .json }
        // JSON is for a program, which a status line would disturb.
        let isJSON = StandardError.form == .json
        let terminal = isJSON ? nil : Terminal(descriptor: STDERR_FILENO, sink: StandardError.sink)
        // A file can have several stacks, and gets more while it runs.
        let form = terminal.map { _ in config == nil ? LogForm.short : .shortOfSeveral }
        // On a terminal, the status line replaces what is logged at level info.
        let logger = global.logger(default: terminal == nil ? .info : .notice, form: form).observed(by: observation)
        // The controller logs what each call means to it, so the client's own lines have a higher threshold.
        let connection = try Connection(
            options: global, tokenFileFallback: settings.tokenFile,
            logger: global.logger(default: .notice, form: form).observed(by: observation), observation: observation)
        ControllerProcess.erase(connection.endpoint.token)
        #if canImport(FoundationNetworking)
            if global.transport == .urlsession {
                logger.warning(
                    "URLSession on Linux crashes on some responses (before Swift 6.4): prefer '--transport curl'")
            }
        #endif
        // The commands' output would break the status line, and the lines of JSON. With a state directory they outlive
        // this process, and a pipe without a reader would end them.
        let shown =
            try (terminal != nil || isJSON) && settings.jobLogs == nil && settings.stateDirectory == nil
            ? CommandOutput(to: StandardError.sink, in: StandardError.form) : nil
        defer { shown?.close() }
        try await connection.closing {
            let stacks = try RunningStacks(
                settings,
                in: RunningStacks.Surroundings(
                    client: connection.client, endpoint: connection.endpoint, logger: logger, observation: observation,
                    output: shown, descriptorLimit: descriptorLimit, isOnce: once, isDryRun: dryRun,
                    showsStatus: terminal != nil),
                sharesSlots: config != nil)
            let server = settings.listening.server(
                observation, logger: logger, slots: settings.slots == nil ? nil : stacks.slots,
                logs: settings.jobLogs,
                fleet: stacks.fleet)
            async let _: Void? = server?.run()
            // Nothing is sent before it is certain that it can be watched.
            try await server?.listening()
            if once { try await checkToken(connection.client) }
            let outcome = await Result { try await run(stacks, settings, connection, logger, on: terminal) }
            // The summary is printed even after a failure, unless nothing was sent.
            let tally = connection.observed.tally
            guard tally.requests > 0 else { return try outcome.get() }
            let summary = RunSummary(
                stacks: stacks.reports,
                isList: config != nil,
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

    /// A controller waits for an unreachable server for as long as it takes. With `--once` it should fail.
    private func checkToken(_ client: StacksClient) async throws {
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

    /// Runs the stacks until they have ended or a signal ends them, and reads the files again that they depend on.
    private func run(
        _ stacks: RunningStacks, _ settings: RunSettings, _ connection: Connection, _ logger: Logger,
        on terminal: Terminal?
    ) async throws {
        let (requests, request) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let file = config.map(SettingsDocument.file)
        let reload = SettingsReload(
            read: { [self] in try self.checkedSettings() }, file: file, tokenFile: connection.endpoint.tokenFile?.file,
            stacks: stacks, refreshToken: connection.client.refreshToken, logger: logger, settings: settings)
        var signalled = SignalledRun(fleet: stacks.fleet, logger: logger)
        if file != nil { signalled.reload = { request.yield() } }
        do {
            try await withThrowingTaskGroup(of: Void.self) { [signalled] group in
                group.addTask { await reload.run(on: requests) }
                defer { group.cancelAll() }
                guard let terminal else { return try await signalled.run() }
                try await LiveProgress(fleet: stacks.fleet, slots: stacks.slots, terminal: terminal)
                    .during { try await signalled.run() }
            }
        } catch let error as StackFleetError {
            guard config == nil, let only = error.failures.values.first else {
                throw Failure(error, of: stacks.fleet.controllers.count)
            }
            throw only
        }
    }
}

extension Result where Failure == any Error {
    /// What `body` returns or throws.
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
