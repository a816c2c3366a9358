import Logging
import ServiceLifecycle
import StacksController
import UnixSignals

/// Runs a fleet until it ends by itself or a signal ends it.
struct SignalledRun {
    let fleet: StackFleet
    let logger: Logger
    /// Reads the configuration file again; `nil` when there is none.
    var reload: (@Sendable () -> Void)?

    /// Signals do what ``RunSignal`` says. Draining is a graceful shutdown, stopping a cancellation. None that means
    /// nothing ends the run: the commands have their own sessions and would run on alone.
    ///
    /// - Throws: What the fleet throws; ``Failure`` after a second signal.
    func run() async throws {
        // The signals are trapped before the fleet starts, so that none is missed.
        let signals = await UnixSignalsSequence(trapping: RunSignal.trapped)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: fleet, successTerminationBehavior: .gracefullyShutdownGroup)],
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
                    case .sigusr1:
                        fleet.logStatus()
                        continue
                    case .sigusr2, .sigalrm:
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
                // The fleet then throws its own cancellation.
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
