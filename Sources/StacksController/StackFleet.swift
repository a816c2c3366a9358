public import Logging
public import ServiceLifecycle
import StacksAPI
import StacksTransport
import Synchronization

/// Several stacks of one process, as one service: those that share a ``SlotPool``, above all.
///
/// The stacks are independent: when one ends, because its queue is gone or its token is not accepted, the others go on. A
/// graceful shutdown, and ``drain()``, drain all of them. Stacks can come and go while the fleet runs: see ``add(_:)`` and
/// ``remove(_:)``.
public final class StackFleet: Service {
    private let logger: Logger
    private let state: Mutex<Members>
    /// Wakes the run when a stack may be started, or all have ended.
    private let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// A fleet of `controllers`. Those that share slots were given the same ``SlotPool``. A launcher that recovers jobs
    /// belongs to one controller.
    ///
    /// - Throws: `ConfigurationError` when there is no controller, or two have the same stack key.
    public init(_ controllers: [StackController], logger: Logger) throws {
        guard !controllers.isEmpty else { throw ConfigurationError("A fleet needs at least one stack") }
        var members = Members()
        for controller in controllers {
            guard members.add(controller) == .taken else { throw Self.twoStacks(of: controller.stackKey) }
        }
        state = Mutex(members)
        self.logger = logger
    }

    private static func twoStacks(of key: String) -> ConfigurationError {
        ConfigurationError("Two stacks of a fleet have the key \(key): each needs a key of its own")
    }

    /// The stacks' controllers, in the order in which they were given: those that run or are to run, those that drain, and
    /// those that have ended without being removed.
    public var controllers: [StackController] { state.withLock { $0.controllers } }

    /// What each stack is doing now, by its key.
    public var statuses: [String: ControllerStatus] {
        Dictionary(controllers.map { ($0.stackKey, $0.status) }) { _, newer in newer }
    }

    // MARK: Changing it

    /// Takes a stack in. It runs at once if the fleet does; if the stack before it with the same key was removed, or has ended,
    /// it takes that one's place as soon as that has ended.
    ///
    /// - Throws: `ConfigurationError` when a stack with this key is in the fleet and was not removed, and when the fleet
    ///   drains or has ended.
    public func add(_ controller: StackController) throws {
        let outcome = state.withLock { $0.add(controller) }
        switch outcome {
        case .taken: change.yield()
        case .keyIsTaken: throw Self.twoStacks(of: controller.stackKey)
        case .isEnding: throw ConfigurationError("The fleet ends: it takes no stack in any more")
        }
    }

    /// Drains the stack with this key, and forgets it once it has ended. Does nothing when there is none.
    public func remove(_ key: String) {
        state.withLock { $0.remove(key) }?.drain()
        change.yield()
    }

    /// Takes no further jobs in any stack and lets the running ones end; then ``run()`` returns.
    public func drain() {
        let controllers = state.withLock { members in
            members.drain()
            return members.controllers
        }
        for controller in controllers { controller.drain() }
        change.yield()
    }

    // MARK: Running

    /// Runs every stack until all have ended. Can be called once.
    ///
    /// Cancelling the task cancels them all.
    ///
    /// - Throws: ``StackFleetError`` when stacks ended with errors and were not removed since, once the others have ended
    ///   too; `CancellationError` when the task was cancelled.
    public func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                change.yield()
                for await _ in changes {
                    let (toStart, isOver) = state.withLock { members in (members.takeStartable(), members.endIfOver()) }
                    for controller in toStart { group.addTask { await self.run(controller) } }
                    if isOver { break }
                }
            }
        } onGracefulShutdown: {
            self.drain()
        }
        let failures = state.withLock(\.failures)
        if Task.isCancelled || failures.values.contains(where: { $0 is CancellationError }) {
            throw CancellationError()
        }
        guard failures.isEmpty else { throw StackFleetError(failures: failures) }
    }

    private func run(_ controller: StackController) async {
        var failure: (any Error)?
        do {
            try await controller.run()
        } catch {
            failure = error
            // The last one's is thrown.
            if !(error is CancellationError), state.withLock({ $0.isRunning(without: controller) }) {
                let metadata: Logger.Metadata = ["stack": "\(controller.stackKey)"]
                logger.error("The stack has ended: \(error)", metadata: metadata.visible)
            }
        }
        state.withLock { $0.ended(controller, failure) }
        change.yield()
    }

    // MARK: Status

    /// Logs what each stack is doing now: see ``StackController/logStatus()``.
    public func logStatus() {
        for controller in controllers { controller.logStatus() }
    }

    /// Whether the process works: see ``StackController/liveness(tolerance:)``. It is bad when a stack is late with its work,
    /// and when all have ended.
    public func liveness(tolerance: Duration = .seconds(30)) -> ControllerHealth {
        let running = controllers.filter { $0.status.phase != .ended }
        guard !running.isEmpty else { return ControllerHealth(isGood: false, reason: "every stack has ended") }
        return ControllerHealth.summary(of: running) { $0.liveness(tolerance: tolerance) }
    }

    /// Whether every stack takes jobs: see ``StackController/readiness(maximumPollAge:)``. The reason names those that do
    /// not, one that has ended among them. Stacks that were removed do not count.
    public func readiness(maximumPollAge: Duration = .seconds(30)) -> ControllerHealth {
        let wanted = state.withLock(\.wanted)
        guard !wanted.isEmpty else { return ControllerHealth(isGood: false, reason: "every stack was removed") }
        return ControllerHealth.summary(of: wanted) { $0.readiness(maximumPollAge: maximumPollAge) }
    }
}

/// The stacks of a fleet.
private struct Members {
    enum Addition { case taken, keyIsTaken, isEnding }

    private struct Member {
        enum Stage { case waiting, running, ended }

        let controller: StackController
        var stage = Stage.waiting
        var isRemoved = false
        var failure: (any Error)?
    }

    private var members: [Member] = []
    /// Nothing is taken in any more.
    private var isEnding = false

    var controllers: [StackController] { members.map(\.controller) }
    /// Those that were not removed.
    var wanted: [StackController] { members.filter { !$0.isRemoved }.map(\.controller) }

    var failures: [String: any Error] {
        var failures: [String: any Error] = [:]
        for member in members where !member.isRemoved { failures[member.controller.stackKey] = member.failure }
        return failures
    }

    mutating func add(_ controller: StackController) -> Addition {
        if isEnding { return .isEnding }
        let key = controller.stackKey
        let isTaken = members.contains {
            $0.controller.stackKey == key && !$0.isRemoved && $0.controller.status.phase != .ended
        }
        if isTaken { return .keyIsTaken }
        _ = remove(key)
        members.append(Member(controller: controller))
        return .taken
    }

    /// Returns the controller to drain.
    mutating func remove(_ key: String) -> StackController? {
        members.removeAll { $0.controller.stackKey == key && $0.stage != .running }
        guard let index = members.firstIndex(where: { $0.controller.stackKey == key && !$0.isRemoved }) else {
            return nil
        }
        members[index].isRemoved = true
        return members[index].controller
    }

    /// Those that wait, and whose key no other stack has: they run from now on.
    mutating func takeStartable() -> [StackController] {
        var startable: [StackController] = []
        for index in members.indices where members[index].stage == .waiting {
            let key = members[index].controller.stackKey
            guard !members.contains(where: { $0.stage == .running && $0.controller.stackKey == key }) else { continue }
            members[index].stage = .running
            startable.append(members[index].controller)
        }
        return startable
    }

    /// Those that have not been started are not any more.
    mutating func drain() {
        isEnding = true
        for index in members.indices where members[index].stage == .waiting { members[index].stage = .ended }
    }

    /// Whether all have ended; then nothing is taken in any more.
    mutating func endIfOver() -> Bool {
        let isOver = members.allSatisfy { $0.stage == .ended }
        if isOver { isEnding = true }
        return isOver
    }

    func isRunning(without controller: StackController) -> Bool {
        members.contains { $0.stage == .running && $0.controller !== controller }
    }

    mutating func ended(_ controller: StackController, _ failure: (any Error)?) {
        guard let index = members.firstIndex(where: { $0.controller === controller }) else { return }
        members[index].stage = .ended
        members[index].failure = failure
        if members[index].isRemoved { members.remove(at: index) }
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
