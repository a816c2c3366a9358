import Logging
import ServiceLifecycle
import UnixSignals

/// Runs a service until it ends by itself or a signal ends it.
struct SignalledRun {
    let service: any Service
    let logger: Logger
    /// Reads the configuration file again; `nil` when there is none.
    var reload: (@Sendable () -> Void)?

    /// The first SIGTERM or SIGINT drains, the second one cancels, which stops the commands. SIGQUIT cancels at once.
    /// SIGHUP reads the configuration file again. Without one it is logged and changes nothing, like SIGUSR1, SIGUSR2 and
    /// SIGALRM: a closing terminal sends it, and the commands, which have their own sessions, would run on alone.
    ///
    /// - Throws: What the service throws; ``Failure`` after a second signal.
    func run() async throws {
        // The signals are trapped before the service starts, so that none is missed.
        let signals = await UnixSignalsSequence(
            trapping: .sigterm, .sigint, .sigquit, .sighup, .sigusr1, .sigusr2, .sigalrm)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger
            )
        )
        try await withThrowingTaskGroup(of: Ending.self) { tasks in
            tasks.addTask {
                try await group.run()
                return .ended
            }
            tasks.addTask {
                var caught = 0
                for await signal in signals {
                    switch signal {
                    case .sighup:
                        if let reload {
                            reload()
                        } else {
                            logger.notice("SIGHUP ignored: there is no configuration file to reload")
                        }
                        continue
                    case .sigusr1, .sigusr2, .sigalrm:
                        logger.notice("\(signal) ignored")
                        continue
                    case .sigquit: return .stopped(by: "a signal (\(signal))")
                    default: break
                    }
                    caught += 1
                    guard caught == 1 else { return .stopped(by: "a second signal (\(signal))") }
                    logger.notice("draining; a second signal stops the commands", metadata: ["signal": "\(signal)"])
                    await group.triggerGracefulShutdown()
                }
                return .ended
            }
            defer { tasks.cancelAll() }
            if case .stopped(let signal)? = try await tasks.next() {
                tasks.cancelAll()
                // The service then throws its own cancellation.
                while let result = await tasks.nextResult() { _ = result }
                throw Failure.refused("\(signal) stopped the commands before their jobs ended.")
            }
        }
    }

    private enum Ending {
        case ended
        case stopped(by: String)
    }
}
