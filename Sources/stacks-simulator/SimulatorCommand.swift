import ArgumentParser
import Logging
import NIOCore
import ServiceLifecycle
import StacksTesting
import StandardStreams
import UnixSignals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@main
struct SimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stacks-simulator",
        abstract: "Simulate Buildkite's Stacks API on this machine, to try and test stacks.",
        discussion: """
            Prints one line of JSON to standard output when it listens: url, token, queue, port, and with --tls the \
            path of the CA file that clients have to trust. Everything else goes to standard error. SIGTERM and SIGINT \
            stop it.

            /_simulator/page shows it in a browser. Requests from other web pages are refused, by Host, Origin and \
            Sec-Fetch-Site.

            Scripts inspect and control it under /_simulator, without a token. A body is JSON, with 'Content-Type: \
            application/json':
            \(ControlRoute.help)
            """
    )

    enum Switch: String, ExpressibleByArgument, CaseIterable { case on, off }

    @Option(parsing: .unconditional, help: "The TCP port; 0 picks a free one.")
    var port = 0

    @Option(help: "The loopback address to listen on.")
    var host = "127.0.0.1"

    @Option(
        name: .customLong("allowed-host"),
        help: "Another Host to accept, besides localhost and the loopback addresses. Can be repeated.")
    var allowedHost: [String] = []

    @Flag(help: "Serve TLS, with HTTP/2 and HTTP/1.1, and a test certificate for localhost.")
    var tls = false

    @Option(help: "The agent token to accept. (default: one made from the seed)")
    var token: String?

    @Option(
        help: ArgumentHelp(
            """
            Another organization with the same queues, and its agent token. Can be repeated; a slug that is there (the first \
            one is acme) gets another token. Without a token, one is made from the seed.
            """, valueName: "slug[=token]"),
        transform: { try OrganizationOption($0) })
    var organization: [OrganizationOption] = []

    @Option(parsing: .unconditional, help: "The number of jobs scheduled at the start, in the first queue.")
    var jobs = 0

    @Option(help: "A queue of the cluster. Can be repeated; the first one is the default queue.")
    var queue: [String] = []

    @Option(name: .customLong("agent-query-rule"), help: "A key=value rule of each initial job. Can be repeated.")
    var agentQueryRules: [String] = []

    @Option(help: "The command of each initial job.")
    var command = "echo hello"

    @Flag(help: "Start with the first queue paused.")
    var paused = false

    @Option(name: .customLong("rate-limits"), help: "Whether the documented rate limits are enforced.")
    var rateLimits = Switch.on

    @Option(
        parsing: .unconditional, help: "The seed of UUIDs and tokens. (default: 1)",
        transform: { text in
            guard let seed = UInt64(text) else {
                throw ValidationError("It must be a whole number from 0 to \(UInt64.max).")
            }
            return seed
        })
    var seed: UInt64 = 1

    @Option(
        name: .customLong("listing-delay"), parsing: .unconditional,
        help: "The delay in seconds until the list of jobs shows a change.")
    var listingDelay = 0.0

    @Option(
        name: .customLong("reservation-default"), parsing: .unconditional,
        help: "The seconds until a reservation expires, if the request does not say.")
    var reservationDefault = 900

    @Option(
        name: .customLong("stack-limit"), parsing: .unconditional,
        help: "The number of stacks that can be registered at a time.")
    var stackLimit = 100

    enum ClockKind: String, ExpressibleByArgument, CaseIterable { case system, manual }

    @Option(help: "The clock: the system's, or one that stands until POST clock/advance.")
    var clock = ClockKind.system

    @Option(
        name: .customLong("clock-start"),
        help: "What a manual clock shows at the start, in ISO 8601. (default: the time of the start)",
        transform: { text in
            guard let date = Date(iso8601: text) else {
                throw ValidationError("It must be a date as 2026-01-31T08:30:00Z.")
            }
            return date
        })
    var clockStart: Date?

    @OptionGroup var agents: AgentOptions

    @Option(name: .customLong("base-path"), help: "The base path of the API.")
    var basePath = "/v3"

    @Flag(
        name: .customLong("exit-with-stdin"),
        help: "Stop when standard input ends, for programs that start the simulator.")
    var exitWithStandardInput = false

    mutating func validate() throws {
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port must be between 0 and 65535, not \(port).")
        }
        guard ["127.0.0.1", "::1", "localhost"].contains(host) else {
            throw ValidationError("--host must be a loopback address: 127.0.0.1, ::1 or localhost.")
        }
        guard (0...AddJobsDocument.largestCount).contains(jobs) else {
            throw ValidationError("--jobs must be between 0 and \(AddJobsDocument.largestCount), not \(jobs).")
        }
        guard listingDelay >= 0, listingDelay <= 3600 else {
            throw ValidationError("--listing-delay must be between 0 and 3600, not \(listingDelay).")
        }
        guard (1...3600).contains(reservationDefault) else {
            throw ValidationError("--reservation-default must be between 1 and 3600, not \(reservationDefault).")
        }
        guard stackLimit >= 0 else { throw ValidationError("--stack-limit must not be negative: \(stackLimit).") }
        guard basePath.hasPrefix("/"), !basePath.hasSuffix("/"), !basePath.hasPrefix("/_simulator") else {
            throw ValidationError(
                "--base-path must start with a slash, not end with one, and not start with /_simulator.")
        }
        guard clockStart == nil || clock == .manual else {
            throw ValidationError("--clock-start is for --clock manual.")
        }
        guard !queue.contains("") else { throw ValidationError("--queue must not be empty.") }
        guard token.map({ !$0.isEmpty }) ?? true else { throw ValidationError("--token must not be empty.") }
        guard agentQueryRules.allSatisfy({ $0.contains("=") }) else {
            throw ValidationError("--agent-query-rule must be key=value.")
        }
        do throws(ControlFailure) {
            try start.template.checkSize(
                count: jobs, named: "--jobs", queue: queue.first ?? "default", isPlayed: agents.playJobs != .never)
        } catch {
            throw ValidationError(error.message)
        }
        _ = try organizations()
    }

    static func main() async { await runAsTool(named: "stacks-simulator") }

    func run() async throws {
        let logger = StandardError.logger(label: "stacks-simulator", level: .info)
        let queues = queue.isEmpty ? ["default"] : queue
        // Whole seconds, so that dates are as short as they can be.
        let manualClock =
            clock == .manual
            ? ManualClock(start: clockStart ?? Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down)))
            : nil
        let time: any SimulatorClock = if let manualClock { manualClock } else { SystemClock() }
        let organizations = try organizations()
        let simulator = makeSimulator(organizations, clock: time)
        let authority = tls ? try AuthorityFile() : nil
        defer { authority?.remove() }
        if let authority {
            logger.warning(
                "the CA and the server's private key are public: for tests only",
                metadata: ["caFile": "\(authority.path)"])
        }
        let announcement = Announcement()
        let server = SimulatorServer(
            simulator: simulator, clock: manualClock, apiPath: basePath, start: start,
            host: host, port: port,
            tls: tls, names: allowedHost, logger: logger
        ) { [basePath, seed, host] port in
            let ready = ReadyLine(
                scheme: authority == nil ? "http" : "https", host: host, port: port, basePath: basePath,
                caFile: authority?.path, token: simulator.token, queues: queues, seed: seed,
                organizations: ReadyLine.Organization.all(organizations, of: simulator)
            )
            announcement.make(ready)
        }
        var configuration = ServiceGroupConfiguration(
            services: [server, announcement], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        )
        if exitWithStandardInput {
            configuration.services.append(
                .init(service: StandardInputWatch(), successTerminationBehavior: .gracefullyShutdownGroup)
            )
        }
        // Clients may keep connections open without a limit; shutdown does not wait for them.
        configuration.maximumGracefulShutdownDuration = .milliseconds(500)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch is CancellationError {
            // The half second was over.
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            logger.error("port \(port) on \(host) is in use: pass another --port, or 0 for a free one")
            throw ExitCode.failure
        }
    }

    /// The organizations, of which the first one is that of a simulator with one.
    private func organizations() throws -> [StacksSimulator.Organization] {
        var first = StacksSimulator.Organization(queues: queue.isEmpty ? ["default"] : queue, token: token)
        first.stackLimit = stackLimit
        var organizations = [first]
        try organizations.add(organization)
        return organizations
    }

    private func makeSimulator(
        _ organizations: [StacksSimulator.Organization], clock: any SimulatorClock
    ) -> StacksSimulator {
        var configuration = StacksSimulator.Configuration()
        configuration.seed = seed
        configuration.basePath = basePath
        configuration.enforcesRateLimits = rateLimits == .on
        configuration.listingDelay = .seconds(listingDelay)
        configuration.defaultReservationExpiry = .seconds(reservationDefault)
        configuration.agents = agents.settings
        configuration.organizations = organizations
        let simulator = StacksSimulator(configuration: configuration, clock: clock)
        simulator.populate(start)
        return simulator
    }

    /// What the simulator has at its start.
    private var start: StacksSimulator.Start {
        var start = StacksSimulator.Start()
        start.jobs = jobs
        start.isPaused = paused
        start.template.agentQueryRules = agentQueryRules
        start.template.command = command
        start.template.script = agents.jobScript?.script
        start.template.environment = ["BUILDKITE": "true", "BUILDKITE_COMMAND": command]
        return start
    }
}
