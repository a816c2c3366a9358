import Logging
import ServiceLifecycle
import StacksController
import UnixSignals

/// Runs a controller until it ends by itself or a signal ends it.
struct SignalledRun {
    let controller: StackController
    let logger: Logger

    /// The first SIGTERM or SIGINT drains, the second cancels, which stops the commands; SIGQUIT cancels at once. SIGHUP,
    /// which a terminal sends when it goes, SIGUSR1, SIGUSR2 and SIGALRM are logged and change nothing: the commands have
    /// sessions of their own and would run on alone.
    ///
    /// - Throws: What the controller throws; ``Failure`` when a second signal cut it short.
    func run() async throws {
        // The signals are caught before the controller starts, so that none falls between.
        let signals = await UnixSignalsSequence(
            trapping: .sigterm, .sigint, .sigquit, .sighup, .sigusr1, .sigusr2, .sigalrm)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: controller, successTerminationBehavior: .gracefullyShutdownGroup)],
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
                        logger.notice("SIGHUP: there is no file to read again, so the run goes on as it is")
                        continue
                    case .sigusr1, .sigusr2, .sigalrm:
                        logger.notice("\(signal): it means nothing here, so the run goes on as it is")
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
                // The controller's own cancellation is the expected answer to this.
                while let result = await tasks.nextResult() { _ = result }
                throw Failure.refused("\(signal) stopped the commands before their jobs had ended.")
            }
        }
    }

    private enum Ending {
        case ended
        case stopped(by: String)
    }
}
