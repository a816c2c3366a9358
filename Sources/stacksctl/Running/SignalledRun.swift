import Logging
import ServiceLifecycle
import StacksController
import UnixSignals

/// Runs a controller until it ends by itself or a signal ends it.
struct SignalledRun {
    let controller: StackController
    let logger: Logger

    /// The first SIGTERM or SIGINT drains, the second cancels, which stops the commands. SIGHUP, which a terminal sends
    /// when it goes, is noted and changes nothing: the commands have sessions of their own and would run on alone.
    ///
    /// - Throws: What the controller throws; ``Failure`` when a second signal cut it short.
    func run() async throws {
        // The signals are caught before the controller starts, so that none falls between.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
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
                    if signal == .sighup {
                        logger.notice("SIGHUP: there is no file to read again, so the run goes on as it is")
                        continue
                    }
                    caught += 1
                    guard caught == 1 else { return .stopped(by: "\(signal)") }
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
                throw Failure.refused("a second signal (\(signal)) stopped the commands before their jobs had ended.")
            }
        }
    }

    private enum Ending {
        case ended
        case stopped(by: String)
    }
}
