import Foundation
import StacksTesting
import Synchronization

/// A clock on which every sleep is over at once, and time has passed: for one task at a time.
final class LeapingClock: Clock, SimulatorClock {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.offset < rhs.offset }
    }

    private let state = Mutex(Instant(offset: .zero))

    var now: Instant { state.withLock { $0 } }
    var minimumResolution: Duration { .nanoseconds(1) }
    var date: Date { Date(timeIntervalSince1970: 1_767_225_600 + now.offset / .seconds(1)) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        state.withLock { $0 = max($0, deadline) }
    }
}
