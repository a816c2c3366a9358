import ArgumentParser
import CommandLaunching
import StacksController

/// What the options of `run` say about its stack, and with a configuration file about all of its stacks.
struct RunOptions: ParsableArguments {
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
        help: ArgumentHelp("The number of jobs in flight at a time, 1 or more. (default: 10)", valueName: "n")
    )
    var maxInFlight: Int?

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
            How long a reservation holds without being renewed, up to 3600 whole seconds: so long a job waits when this \
            controller dies. (default: 300)
            """,
            valueName: "seconds"
        ),
        transform: Seconds.init(parsing:)
    )
    var reservation: Seconds?

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
            How long a command may run without an agent that has acquired its job. Then it is stopped, and the job given \
            back. (default: until the token expires)
            """,
            valueName: "seconds"
        ),
        transform: Seconds.init(parsing:)
    )
    var startTimeout: Seconds?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The time between SIGTERM and SIGKILL for a command that is stopped. (default: 10)", valueName: "seconds"),
        transform: Seconds.init(parsing:)
    )
    var gracePeriod: Seconds?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The exit status of a job whose command ended before an agent acquired it, -1 or 1 to 255. The job's page \
            shows the command's own status in words. (default: -1)
            """,
            valueName: "n"
        )
    )
    var launchFailureExitStatus: Int?

    /// What the file that STACKS_JOB_FILE names holds.
    enum JobFileContent: String, CaseIterable, ExpressibleByArgument {
        case details, listed
    }

    @Option(
        help: ArgumentHelp(
            """
            The content of the file that STACKS_JOB_FILE names: the job as it was listed, or also its command and \
            environment, which can contain secrets and cost one request per job. (default: listed)
            """,
            valueName: "details|listed"
        )
    )
    var jobFile: JobFileContent?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The size from which on a job's log is cut, such as 64M, or 'none'. Its beginning and its end stay. (default: \
            64M)
            """,
            valueName: "size"
        ),
        transform: Bound.size(parsing:)
    )
    var jobLogLimit: Bound?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of ended jobs' logs to keep, or 'all'. The oldest are removed. (default: 1000)",
            valueName: "n"
        ),
        transform: Bound.count(parsing:)
    )
    var jobLogsKept: Bound?

    @Flag(
        help: """
            Add no notifications to jobs' pages. Without this a job's page says what the job waits for, that it is \
            reserved or being launched, or that it was given back and why.
            """
    )
    var noJobNotifications = false

    func validate() throws {
        typealias Accepted = StackController.Configuration.Accepted
        if let maxInFlight, !Accepted.maximumInFlight.contains(maxInFlight) {
            throw ValidationError(
                "--max-in-flight is \(maxInFlight): it must be \(Accepted.maximumInFlight.inWords).")
        }
        if let status = launchFailureExitStatus {
            let (accepted, excluded) = (Accepted.launchFailureExitStatus, Accepted.noLaunchFailureExitStatus)
            guard accepted.contains(status), status != excluded else {
                throw ValidationError(
                    "--launch-failure-exit-status is \(status): it must be \(accepted.inWords), and not \(excluded).")
            }
        }
    }

    /// Takes over what the options say.
    func apply(to stack: inout StackRunSettings) {
        if !tags.isEmpty { stack.controller.tags = tags.values() }
        if let maxInFlight { stack.controller.maximumInFlight = maxInFlight }
        if let pollInterval { stack.controller.pollInterval = pollInterval.duration }
        if let pollTimeout { stack.controller.pollTimeout = pollTimeout.duration }
        if let reservation { stack.controller.reservationExpiry = reservation.duration }
        if let tokenLifetime { stack.controller.tokenLifetime = tokenLifetime.duration }
        if let startTimeout { stack.controller.startTimeout = startTimeout.duration }
        if let gracePeriod { stack.launcher.gracePeriod = gracePeriod.duration }
        if let launchFailureExitStatus { stack.controller.launchFailureExitStatus = launchFailureExitStatus }
        if let jobFile { stack.launcher.jobFileContent = jobFile.content }
        if let jobLogLimit { stack.launcher.logLimits.maximumSize = jobLogLimit.value }
        if let jobLogsKept { stack.launcher.logLimits.maximumCount = jobLogsKept.value }
        if noJobNotifications { stack.controller.notifiesJobs = false }
    }
}

extension ClosedRange<Int> {
    /// To follow "it must be".
    var inWords: String { "from \(lowerBound) to \(upperBound)" }
}

extension RunOptions.JobFileContent {
    /// The same for the launcher.
    var content: CommandLauncher.Configuration.JobFileContent {
        switch self {
        case .details: .details
        case .listed: .listed
        }
    }
}
