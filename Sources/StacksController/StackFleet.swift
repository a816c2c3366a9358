public import Logging
public import ServiceLifecycle
import StacksAPI
import StacksTransport

/// Several stacks of one process, as one service: those that share a ``SlotPool``, above all.
///
/// The stacks are independent: when one ends, because its queue is gone or its token is not accepted, the others go on. A
/// graceful shutdown, and ``drain()``, drain all of them.
public final class StackFleet: Service {
    /// The stacks' controllers, in the order in which they were given.
    public let controllers: [StackController]
    private let logger: Logger

    /// A fleet of `controllers`. Those that share slots were given the same ``SlotPool``. A launcher that recovers jobs
    /// belongs to one controller.
    ///
    /// - Throws: `ConfigurationError` when there is no controller, or two have the same stack key.
    public init(_ controllers: [StackController], logger: Logger) throws {
        guard !controllers.isEmpty else { throw ConfigurationError("A fleet needs at least one stack") }
        var keys: Set<String> = []
        for controller in controllers where !keys.insert(controller.stackKey).inserted {
            throw ConfigurationError(
                "Two stacks of a fleet have the key \(controller.stackKey): each needs a key of its own")
        }
        self.controllers = controllers
        self.logger = logger
    }

    /// What each stack is doing now, by its key.
    public var statuses: [String: ControllerStatus] {
        Dictionary(uniqueKeysWithValues: controllers.map { ($0.stackKey, $0.status) })
    }

    /// Runs every stack until all have ended. Can be called once.
    ///
    /// Cancelling the task cancels them all.
    ///
    /// - Throws: ``StackFleetError`` when stacks ended with errors, once the others have ended too; `CancellationError` when
    ///   the task was cancelled.
    public func run() async throws {
        let failures = await withTaskGroup(of: (String, (any Error)?).self) { group in
            for controller in controllers {
                group.addTask { [logger] in
                    do {
                        try await controller.run()
                        return (controller.stackKey, nil)
                    } catch {
                        if !(error is CancellationError) {
                            let metadata: Logger.Metadata = ["stack": "\(controller.stackKey)"]
                            logger.error(
                                "The stack has ended: \(error)", metadata: metadata.visible)
                        }
                        return (controller.stackKey, error)
                    }
                }
            }
            return await group.reduce(into: [:]) { failures, end in failures[end.0] = end.1 }
        }
        if Task.isCancelled || failures.values.contains(where: { $0 is CancellationError }) {
            throw CancellationError()
        }
        guard failures.isEmpty else { throw StackFleetError(failures: failures) }
    }

    /// Logs what each stack is doing now: see ``StackController/logStatus()``.
    public func logStatus() {
        for controller in controllers { controller.logStatus() }
    }

    /// Takes no further jobs in any stack and lets the running ones end; then ``run()`` returns.
    public func drain() {
        for controller in controllers { controller.drain() }
    }

    /// Whether the process works: see ``StackController/liveness(tolerance:)``. It is bad when a stack is late with its work,
    /// and when all have ended.
    public func liveness(tolerance: Duration = .seconds(30)) -> ControllerHealth {
        let running = controllers.filter { $0.status.phase != .ended }
        guard !running.isEmpty else { return ControllerHealth(isGood: false, reason: "every stack has ended") }
        return summary(running) { $0.liveness(tolerance: tolerance) }
    }

    /// Whether every stack takes jobs: see ``StackController/readiness(maximumPollAge:)``. The reason names those that do
    /// not, one that has ended among them.
    public func readiness(maximumPollAge: Duration = .seconds(30)) -> ControllerHealth {
        summary(controllers) { $0.readiness(maximumPollAge: maximumPollAge) }
    }

    private func summary(
        _ controllers: [StackController], _ health: (StackController) -> ControllerHealth
    ) -> ControllerHealth {
        let all = controllers.map { (key: $0.stackKey, health: health($0)) }
        let shown = all.contains { !$0.health.isGood } ? all.filter { !$0.health.isGood } : all
        let reasons = shown.map { "\($0.key): \($0.health.reason)" }
        return ControllerHealth(isGood: shown.allSatisfy(\.health.isGood), reason: reasons.joined(separator: "; "))
    }
}

/// Why stacks of a fleet have ended.
public struct StackFleetError: Error, Sendable, CustomStringConvertible {
    /// What each stack that did not end by itself or by a drain ended with, by its key. Mostly a ``StackControllerError``.
    public var failures: [String: any Error]

    /// One line for each stack.
    public var description: String {
        failures.sorted { $0.key < $1.key }.map { "The stack \($0.key) has ended: \($0.value)" }.joined(separator: "\n")
    }
}
