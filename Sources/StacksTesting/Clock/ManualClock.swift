import Synchronization

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A clock that a test advances.
///
/// A ``StacksSimulator`` reads the time of day from it, and code under test can sleep on it, so that one call to
/// ``advance(by:)`` makes reservations expire and wakes the tasks that wait for it.
public final class ManualClock: Clock, SimulatorClock {
    /// An instant, counted from the clock's start.
    public struct Instant: InstantProtocol {
        /// The time since the clock's start.
        public var offset: Duration

        /// The instant `offset` after the clock's start.
        public init(offset: Duration = .zero) { self.offset = offset }

        /// The instant `duration` after this one.
        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        /// The time from this instant to `other`; negative when that is earlier.
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        /// Earlier instants come first.
        public static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.offset < rhs.offset }
    }

    private struct Sleeper {
        var deadline: Instant
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct Watcher {
        var count: Int
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = Instant()
        var nextID: UInt64 = 0
        var sleepers: [UInt64: Sleeper] = [:]
        var watchers: [Watcher] = []
    }

    private let start: Date
    private let state = Mutex(State())

    /// Creates a clock that shows `start` until it is advanced.
    ///
    /// - Parameter start: The initial time of day. Default: 1 January 2026, 00:00 UTC, so that tests are reproducible.
    public init(start: Date = Date(timeIntervalSince1970: 1_767_225_600)) {
        self.start = start
    }

    /// The current instant.
    public var now: Instant { state.withLock { $0.now } }

    /// One nanosecond.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// The current time of day.
    public var date: Date { date(at: now) }

    private func date(at instant: Instant) -> Date { start.addingTimeInterval(instant.offset.timeInterval) }

    /// The number of tasks that sleep on the clock.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// The earliest deadline of the tasks that sleep on the clock.
    var nextDeadline: Instant? { state.withLock { $0.sleepers.values.map(\.deadline).min() } }

    /// Advances the clock and wakes the tasks whose deadlines have come, in the order of their deadlines.
    public func advance(by duration: Duration) { _ = advance(by: duration, before: nil) }

    /// The same, unless the time of day would then not be before `end`; without an end, always.
    ///
    /// - Returns: Whether the clock was advanced, and the time of day that it shows by this.
    package func advance(by duration: Duration, before end: Date?) -> (isAdvanced: Bool, date: Date) {
        let (isAdvanced, now, due) = state.withLock { state in
            let next = state.now.advanced(by: duration)
            if let end, date(at: next) >= end {
                return (false, state.now, [CheckedContinuation<Void, any Error>]())
            }
            state.now = next
            let due = state.sleepers.filter { $0.value.deadline <= next }
            for id in due.keys { state.sleepers[id] = nil }
            let sorted = due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }
            return (true, next, sorted.map(\.value.continuation))
        }
        for continuation in due { continuation.resume() }
        return (isAdvanced, date(at: now))
    }

    /// Returns when at least `count` tasks sleep on the clock. A test that advances it then wakes them.
    public func waitForSleepers(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.watchers.append(Watcher(count: count, continuation: continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Returns when the clock has been advanced to `deadline`.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                // Checks cancellation under the lock: a handler that runs before finds no sleeper, a handler that runs
                // after finds it. So the continuation is resumed exactly once.
                let (outcome, watchers): (Result<Void, any Error>?, [Watcher]) = state.withLock { state in
                    if Task.isCancelled { return (.failure(CancellationError()), []) }
                    if deadline <= state.now { return (.success(()), []) }
                    state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
                    let count = state.sleepers.count
                    let satisfied = state.watchers.filter { $0.count <= count }
                    state.watchers.removeAll { $0.count <= count }
                    return (nil, satisfied)
                }
                if let outcome { continuation.resume(with: outcome) }
                for watcher in watchers { watcher.continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}

extension Duration {
    /// The duration in seconds.
    var timeInterval: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
