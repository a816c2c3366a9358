import HTTPTypes
import StacksTransport
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Collects notifications and sends them in batches, so that they cost a controller few requests.
///
/// ```swift
/// let outbox = NotificationOutbox(client: client, stack: "mac-fleet")
/// try await withThrowingTaskGroup(of: Void.self) { group in
///     group.addTask { await outbox.run() }
///     try await outbox.post(JobNotification(job: id, detail: "Booting a virtual machine"))
///     outbox.finish()
/// }
/// ```
///
/// It owns notifications from ``post(_:)`` until they are sent or reported as undelivered. ``run()`` sends them in the
/// order of posting; without it nothing is sent.
public final class NotificationOutbox: Sendable {
    private struct State {
        var queue: OutboxQueue
        var serverTime = ServerTime()
        var isFinished = false
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
    }

    /// What a task can wait for. Each condition also holds once the outbox is finished.
    private enum Condition {
        case notEmpty, batchFull, room, finished
    }

    private struct Waiter {
        var condition: Condition
        var continuation: CheckedContinuation<Void, Never>
    }

    private let client: StacksClient
    private let stack: String
    private let configuration: Configuration
    private let state: Mutex<State>

    /// An outbox for one stack.
    public init(client: StacksClient, stack: String, configuration: Configuration = Configuration()) {
        self.client = client
        self.stack = stack
        self.configuration = configuration
        state = Mutex(State(queue: OutboxQueue(capacity: max(1, configuration.capacity))))
    }

    /// Adds a notification, and returns once it is in the outbox. If the outbox is full, that can take a while with
    /// ``Overflow/wait``.
    ///
    /// A notification with the same text as the job's last one is merged with it if that has not been sent yet. One
    /// without a timestamp gets the current time, unless ``Configuration/addsTimestamps`` is false.
    ///
    /// - Parameter notification: The notification.
    /// - Throws: ``StacksAPIError`` with ``StacksAPIError/Code/invalidArgument`` for an invalid notification, and
    ///   `CancellationError` when the task is cancelled while it waits for room. It does not throw for a notification
    ///   that cannot be sent, even after ``finish()``: ``Configuration/onUndelivered`` receives that.
    public func post(_ notification: JobNotification) async throws {
        try Argument.check(notifications: [notification], for: .notify)
        var notification = notification
        if configuration.addsTimestamps { notification.timestamp = notification.timestamp ?? configuration.now() }
        notification.detail = client.core.cropped(notification.detail, to: .notificationDetail, of: .notify)
        while true {
            var undelivered: [UndeliveredNotification] = []
            let (isTaken, woken): (Bool, [Waiter]) = state.withLock { state in
                if state.isFinished {
                    undelivered = [.init(notification, .finished)]
                    return (true, [])
                }
                let (admission, dropped) =
                    configuration.overflow == .dropOldest
                    ? state.queue.addDroppingOldest(notification) : (state.queue.add(notification), [])
                undelivered = dropped.map { .init($0, .dropped) }
                if admission == .overLimit { undelivered.append(.init(notification, .limitOfJob)) }
                return (admission != .full, Self.due(&state, configuration))
            }
            for waiter in woken { waiter.continuation.resume() }
            if !undelivered.isEmpty { configuration.onUndelivered(undelivered) }
            if isTaken { return }
            await wait(for: .room)
            try Task.checkCancellation()
        }
    }

    /// Closes the outbox: ``run()`` sends the remaining notifications and returns.
    public func finish() { change { $0.isFinished = true } }

    /// Sends notifications until ``finish()``, and then the remaining ones. Call it once.
    ///
    /// When its task is cancelled, it returns at once and reports the remaining notifications as undelivered.
    public func run() async {
        while !Task.isCancelled {
            await wait(for: .notEmpty)
            await sleep(configuration.maximumDelay, orUntil: .batchFull)
            if Task.isCancelled { break }
            let (batch, isFinished) = state.withLock { state in
                (state.queue.take(configuration.batchSize), state.isFinished)
            }
            change { _ in }
            if batch.isEmpty {
                if isFinished { break }
                continue
            }
            await send(batch, mayTryAgain: !isFinished)
        }
        let rest = state.withLock { state in
            state.isFinished = true
            return state.queue.take(.max / 2)
        }
        change { _ in }
        if !rest.isEmpty { configuration.onUndelivered(rest.map { .init($0, .finished) }) }
    }

    // MARK: Sending

    private func send(_ batch: [JobNotification], mayTryAgain: Bool) async {
        let now = configuration.now()
        let time = state.withLock { $0.serverTime }
        let stamped = batch.map { notification in
            var notification = notification
            notification.timestamp = time.timestamp(notification.timestamp, now: now)
            return notification
        }
        do {
            let response = try await client.notify(stamped, stack: stack, options: configuration.callOptions)
            if let date = response.serverDate {
                let received = configuration.now()
                state.withLock { $0.serverTime.learn(date, now: received) }
            }
            let refused = response.failures.flatMap { failure in
                failure.indexes.filter(batch.indices.contains).map {
                    UndeliveredNotification(batch[$0], .refused(failure.error))
                }
            }
            if !refused.isEmpty { configuration.onUndelivered(refused) }
        } catch let error as StacksAPIError where error.isRetryable && !error.mayHaveTakenEffect && mayTryAgain {
            state.withLock { $0.queue.putBack(batch) }
            // The client has already retried: the trouble lasts longer.
            await sleep(configuration.pauseAfterFailure, orUntil: .finished)
        } catch let error as StacksAPIError {
            configuration.onUndelivered(batch.map { .init($0, .failed(error)) })
        } catch {
            configuration.onUndelivered(batch.map { .init($0, .finished) })
        }
    }

    // MARK: Waiting

    private func change(_ body: (inout State) -> Void) {
        let woken = state.withLock { state in
            body(&state)
            return Self.due(&state, configuration)
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    private static func holds(_ condition: Condition, _ state: State, _ configuration: Configuration) -> Bool {
        if state.isFinished { return true }
        switch condition {
        case .notEmpty: return state.queue.count > 0
        case .batchFull: return state.queue.count >= min(configuration.batchSize, state.queue.capacity)
        case .finished: return false
        case .room: return state.queue.count < state.queue.capacity
        }
    }

    /// Removes the waiters whose condition holds, to be resumed after unlocking.
    private static func due(_ state: inout State, _ configuration: Configuration) -> [Waiter] {
        if state.waiters.isEmpty { return [] }
        let due = state.waiters.filter { holds($0.value.condition, state, configuration) }
        for id in due.keys { state.waiters[id] = nil }
        return due.sorted { $0.key < $1.key }.map(\.value)
    }

    private func sleep(_ duration: Duration, orUntil condition: Condition) async {
        let environment = client.core.environment
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await environment.sleep(duration) }
            group.addTask { await self.wait(for: condition) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Returns when the condition holds, the outbox is finished, or the task is cancelled.
    private func wait(for condition: Condition) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Checked under the lock: neither a change nor a cancellation just before is missed.
                let mustWait = state.withLock { state in
                    if Task.isCancelled || Self.holds(condition, state, configuration) { return false }
                    state.waiters[id] = Waiter(condition: condition, continuation: continuation)
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }
}
