import Contestant
import StacksTesting
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A clock that stands still while a request is under way or a thread has something to do, and otherwise jumps to the next
/// instant that somebody waits for: an hour takes seconds, and everything is on time, however busy the machine is.
///
/// It owns the tasks that sleep on it.
final class QuietClock: Clock, SimulatorClock {
    typealias Duration = Swift.Duration

    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.offset < rhs.offset }
    }

    private struct Sleeper {
        var deadline: Duration
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Duration.zero
        var nextID: UInt64 = 0
        var sleepers: [UInt64: Sleeper] = [:]
        var requests = 0
        /// Grows with everything that happens.
        var activity = 0
    }

    private static let longestJump = Duration.seconds(1)
    /// How long nobody has anything to do before a jump that another process sees, in microseconds: as between two polls,
    /// threads are asleep when the time has come. The guest's poller sleeps as long.
    private static let shortSleep: UInt32 = 1000

    private let state = Mutex(State())
    private let shared: SharedTime?

    /// - Parameter shared: Where another process reads the time.
    init(shared: SharedTime? = nil) { self.shared = shared }

    var now: Instant {
        state.withLock { state in
            state.activity += 1
            return Instant(offset: state.now)
        }
    }

    var minimumResolution: Duration { .nanoseconds(1) }

    var date: Date { Self.date(state.withLock { $0.now } / .seconds(1)) }

    /// The time of day, so many seconds after the start.
    static func date(_ seconds: Double) -> Date { Date(timeIntervalSince1970: 1_767_225_600 + seconds) }

    func requestBegins() { state.withLock { ($0.requests, $0.activity) = ($0.requests + 1, $0.activity + 1) } }

    func requestEnds() { state.withLock { ($0.requests, $0.activity) = ($0.requests - 1, $0.activity + 1) } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                // Looked at under the lock, so that neither a cancellation nor a jump just before is missed.
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    state.activity += 1
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if deadline.offset <= state.now { return .success(()) }
                    state.sleepers[id] = Sleeper(deadline: deadline.offset, continuation: continuation)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Lets the time pass, and blocks the process's first thread meanwhile.
    @MainActor
    func pass(_ duration: Duration) {
        let end = state.withLock { $0.now + duration }
        var isOver = false
        while !isOver {
            waitForQuiet()
            if shared != nil { usleep(Self.shortSleep) }
            let (due, now) = state.withLock { state in
                let next = state.sleepers.values.map(\.deadline).min() ?? end
                state.now = max(state.now, min(next, end, state.now + Self.longestJump))
                state.activity += 1
                let due = state.sleepers.filter { $0.value.deadline <= state.now }
                for id in due.keys { state.sleepers[id] = nil }
                return (due.sorted { $0.key < $1.key }.map(\.value.continuation), state.now)
            }
            shared?.nanoseconds = Int64(now / .nanoseconds(1))
            for continuation in due { continuation.resume() }
            isOver = now >= end && due.isEmpty
        }
    }

    /// Returns when no request is under way and no other thread has anything to do.
    private func waitForQuiet() {
        var last = -1
        while true {
            let (activity, requests) = state.withLock { ($0.activity, $0.requests) }
            if requests == 0, activity == last, !ProcessUsage.isAnyOtherThreadRunning { return }
            last = activity
            usleep(50)
        }
    }
}
