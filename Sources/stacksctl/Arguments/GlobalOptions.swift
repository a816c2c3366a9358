import ArgumentParser
import Logging
import StandardStreams

/// The options that every command takes.
struct GlobalOptions: ParsableArguments {
    /// Which library carries the requests.
    enum Transport: String, CaseIterable, ExpressibleByArgument {
        case curl, urlsession
    }

    /// Which version of HTTP is spoken.
    enum HTTPVersion: String, CaseIterable, ExpressibleByArgument {
        case auto
        case http1_1 = "1.1"
    }

    /// What is worth a line in the log, the least severe first.
    enum LogLevel: String, CaseIterable, ExpressibleByArgument {
        case trace, debug, info, notice, warning, error, critical

        var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .warning }
    }

    /// The form of the answer on stdout.
    enum OutputForm: String, CaseIterable, ExpressibleByArgument {
        case table, json
    }

    @Option(
        help: ArgumentHelp(
            """
            The cluster's agent token, 'bkct_…'. Others on the machine can read a command line, so prefer the \
            environment: BUILDKITE_AGENT_TOKEN, or BUILDKITE_CLUSTER_TOKEN.
            """,
            valueName: "token"
        )
    )
    var token: String?

    @Option(
        help: ArgumentHelp(
            """
            Where the API is; 'http' is taken for this machine only, unless --allow-insecure-http is given. Also read from BUILDKITE_AGENT_ENDPOINT, as \
            Buildkite's agent does. (default: https://agent.buildkite.com/v3/)
            """,
            valueName: "url"
        )
    )
    var baseURL: String?

    @Flag(
        name: .customLong("allow-insecure-http"),
        help:
            "Send the token in plaintext to a host that is not this machine, or through a proxy, when the base URL says 'http'."
    )
    var allowsInsecureHTTP = false

    @Option(help: "The library that carries the requests.")
    var transport: Transport = .curl

    @Option(name: .customLong("http-version"), help: "HTTP/2 where the server offers it, or HTTP/1.1 only.")
    var httpVersion: HTTPVersion = .auto

    @Option(
        help: ArgumentHelp(
            "Certificate authorities to trust, PEM. (default: SSL_CERT_FILE and SSL_CERT_DIR, or the system's)",
            valueName: "file"
        ),
        completion: .file(extensions: ["pem", "crt"])
    )
    var caFile: String?

    @Option(
        help: ArgumentHelp(
            """
            The proxy to go through; 'none' for none. Plaintext goes through it only with --allow-insecure-http. (default: \
            as the environment's https_proxy and no_proxy say, but none to this machine)
            """,
            valueName: "url"
        )
    )
    var proxy: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long one attempt may take. (default: 30)", valueName: "seconds"),
        transform: Seconds.init(parsing:)
    )
    var timeout: Seconds?

    @Flag(help: "Send each request once, whatever comes back.")
    var noRetry = false

    @Option(help: "The form of the answer on stdout.")
    var output: OutputForm = .table

    @Flag(help: "Add the answer's header fields, the rate limit's among them, under lowercase names.")
    var headers = false

    @Option(
        help: ArgumentHelp(
            "The least severe of what is logged on stderr. (default: notice; for run, info)",
            valueName: "level"
        )
    )
    var logLevel: LogLevel?

    @Flag(help: "Log requests and answers too, at level debug, with everything secret blanked out.")
    var logPayloads = false

    /// The log of this invocation, on stderr.
    ///
    /// - Parameter form: The short form is for a terminal with a line painted below the log.
    func logger(default level: Logger.Level = .notice, form: LineLogHandler.Form = .full) -> Logger {
        StandardError.logger(label: "stacksctl", level: logLevel?.level ?? level, form: form)
    }
}
