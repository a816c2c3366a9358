import ArgumentParser
import CommandLaunching
import Logging
import StacksAPI
import StacksController

/// The options of the status server.
struct ListenOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Serve the status there: a page at '/', '/status' as JSON, '/metrics' for Prometheus, and the probes '/livez' \
            and '/readyz'. It changes nothing, and whoever can connect can read it. Port 0 picks a free one, which is \
            logged. (default: none)
            """,
            valueName: "host:port"
        ),
        transform: ListenAddress.init(parsing:)
    )
    var listen: ListenAddress?

    @Option(
        name: .customLong("allowed-host"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            """
            Another name by which the status may be asked for, besides that of --listen: a proxy's, or another one of this \
            machine's. Can be repeated.
            """,
            valueName: "name"
        )
    )
    var allowedHosts: [String] = []

    func validate() throws {
        guard allowedHosts.isEmpty || listen != nil else {
            throw ValidationError("--allowed-host needs --listen.")
        }
        for name in allowedHosts where !Self.isHostName(name) {
            throw ValidationError("--allowed-host must be a name without a scheme or a path.")
        }
    }

    /// Whether it has neither a scheme nor a path.
    static func isHostName(_ name: String) -> Bool { !name.isEmpty && !name.contains("/") }

    /// What a run collects for the server, if there is to be one.
    var observation: RunObservation? { listen.map { _ in RunObservation() } }

    /// How many descriptors it needs.
    var descriptors: UInt { listen == nil ? 0 : StatusServer.descriptors }

    /// The server, if there is to be one.
    ///
    /// - Parameters:
    ///   - slots: The slots that the stacks share.
    ///   - logs: The directory of the jobs' logs.
    ///   - fleet: The stacks.
    func server(
        _ observation: RunObservation?, logger: Logger, slots: SlotPool? = nil, logs: String? = nil,
        fleet: StackFleet
    ) -> StatusServer? {
        guard let listen, let observation else { return nil }
        let subject = StatusSubject(
            observation: observation, slots: slots, fleet: fleet,
            logFile: { _, job in logs.map { CommandLauncher.logFile(of: job, in: $0) } })
        return StatusServer(address: listen, names: allowedHosts, subject: subject, logger: logger)
    }
}

extension Logger {
    /// The same log, whose warnings and errors are kept for the status too.
    func observed(by observation: RunObservation?) -> Logger { observation?.observing(self) ?? self }
}
