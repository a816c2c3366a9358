import ArgumentParser
import Logging
import StandardStreams

/// The options that every command takes.
struct GlobalOptions: ParsableArguments {
    /// The library that sends the requests.
    enum Transport: String, CaseIterable, ExpressibleByArgument {
        case curl, urlsession
    }

    /// The version of HTTP.
    enum HTTPVersion: String, CaseIterable, ExpressibleByArgument {
        case auto
        case http1_1 = "1.1"
    }

    /// The levels of the log, the least severe first.
    enum LogLevel: String, CaseIterable, ExpressibleByArgument {
        case trace, debug, info, notice, warning, error, critical

        var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .warning }
    }

    /// The format of the log and of errors on stderr.
    enum LogFormat: String, CaseIterable, ExpressibleByArgument {
        case text, json

        /// The option's name.
        static let option = "--log-format"

        /// The format that a command line asks for, before it is parsed, so that its mistakes are reported in it too;
        /// `nil` when it asks for none.
        static func requested(by arguments: [String]) -> LogFormat? {
            let own = arguments.prefix { $0 != "--" }
            return zip(own.indices, own).reduce(nil as LogFormat?) { format, argument in
                let (index, text) = argument
                if text == option, index + 1 < own.endIndex { return LogFormat(rawValue: own[index + 1]) ?? format }
                guard text.hasPrefix("\(option)=") else { return format }
                return LogFormat(rawValue: String(text.dropFirst(option.count + 1))) ?? format
            }
        }
    }

    /// The format of the result on stdout.
    enum OutputForm: String, CaseIterable, ExpressibleByArgument {
        case table, json
    }

    @Option(
        help: ArgumentHelp(
            """
            The cluster's agent token, 'bkct_…'. Other users of the machine can read a command line, so prefer the \
            environment: BUILDKITE_AGENT_TOKEN, or BUILDKITE_CLUSTER_TOKEN.
            """,
            valueName: "token"
        )
    )
    var token: String?

    @Option(
        help: ArgumentHelp(
            """
            A file with the token, instead of the environment. 'run' reads it again when it changes, and when the token \
            is not accepted any more.
            """,
            valueName: "file"
        ),
        completion: .file()
    )
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            """
            The API's base URL. 'http' is accepted for this machine only, unless --allow-insecure-http is given. Also \
            read from BUILDKITE_AGENT_ENDPOINT, as by Buildkite's agent. (default: https://agent.buildkite.com/v3/)
            """,
            valueName: "url"
        )
    )
    var baseURL: String?

    @Flag(
        name: .customLong("allow-insecure-http"),
        help:
            "Send the token in plaintext to another machine, or through a proxy, if the base URL starts with 'http:'."
    )
    var allowsInsecureHTTP = false

    @Option(help: "The library that sends the requests. (default: curl)")
    var transport: Transport?

    @Option(
        name: .customLong("http-version"), help: "HTTP/2 if the server supports it, or HTTP/1.1 only. (default: auto)")
    var httpVersion: HTTPVersion?

    @Option(
        help: ArgumentHelp(
            "Certificate authorities to trust, in PEM format. (default: SSL_CERT_FILE and SSL_CERT_DIR, or the system's)",
            valueName: "file"
        ),
        completion: .file(extensions: ["pem", "crt"])
    )
    var caFile: String?

    @Option(
        help: ArgumentHelp(
            """
            The proxy to use, or 'none'. Plaintext goes through a proxy only with --allow-insecure-http. (default: \
            https_proxy and no_proxy of the environment, and none for this machine)
            """,
            valueName: "url"
        )
    )
    var proxy: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The time limit of one attempt. (default: 30)", valueName: "seconds"),
        transform: Seconds.init(parsing:)
    )
    var timeout: Seconds?

    @Flag(help: "Do not retry: send each request once.")
    var noRetry = false

    @Option(help: "The format of the result on stdout.")
    var output: OutputForm = .table

    @Flag(help: "Add the response's header fields, with the rate limit's, under lowercase names.")
    var headers = false

    @Option(
        help: ArgumentHelp(
            "The lowest level that is logged on stderr. (default: notice; for run, info)",
            valueName: "level"
        )
    )
    var logLevel: LogLevel?

    @Option(
        help: ArgumentHelp(
            "The format of everything on stderr: text, or one JSON object on each line. (default: text)",
            valueName: "text|json"
        )
    )
    var logFormat: LogFormat?

    @Flag(help: "Also log requests and responses, at level debug, without secrets.")
    var logPayloads = false

    /// These options over others, which come from a file: what was given here counts.
    func over(_ others: GlobalOptions) -> GlobalOptions {
        var result = self
        result.baseURL = baseURL ?? others.baseURL
        result.allowsInsecureHTTP = allowsInsecureHTTP || others.allowsInsecureHTTP
        result.transport = transport ?? others.transport
        result.httpVersion = httpVersion ?? others.httpVersion
        result.caFile = caFile ?? others.caFile
        result.proxy = proxy ?? others.proxy
        result.timeout = timeout ?? others.timeout
        result.noRetry = noRetry || others.noRetry
        result.logLevel = logLevel ?? others.logLevel
        result.logFormat = logFormat ?? others.logFormat
        result.logPayloads = logPayloads || others.logPayloads
        return result
    }

    /// The log of this invocation, on stderr.
    ///
    /// - Parameter form: The short form is for a terminal with a status line below the log. JSON replaces it.
    func logger(default level: Logger.Level = .notice, form: LogForm? = nil) -> Logger {
        if logFormat == .json { StandardError.form = .json }
        let form = StandardError.form == .json ? nil : form
        return StandardError.logger(label: "stacksctl", level: logLevel?.level ?? level, form: form)
    }
}

extension ArgumentVisibility {
    /// Of the global options after a subcommand: its help does not repeat them, and shells complete them.
    static var globalOption: ArgumentVisibility { CompletionShell.requesting == nil ? .hidden : .default }
}
