import StacksController
import Synchronization

/// What the stacks did in each minute of the last hour, in a bounded amount of memory.
final class RunHistory: Sendable {
    /// How many minutes are kept.
    static let minutes = 60

    /// A minute of one stack, or of several.
    struct Minute: Sendable, Equatable {
        var launched = 0
        var finished = 0
        var failed = 0
        /// From scheduled to launched; `nil` while nothing was launched.
        var latencies: LatencyHistogram?

        static func + (one: Minute, other: Minute) -> Minute {
            var sum = one
            sum.launched += other.launched
            sum.finished += other.finished
            sum.failed += other.failed
            if let latencies = other.latencies {
                if sum.latencies == nil { sum.latencies = latencies } else { sum.latencies?.add(latencies) }
            }
            return sum
        }
    }

    private struct Ring {
        var minutes = Array(repeating: Minute(), count: RunHistory.minutes)
        /// The minute, since the start, that is counted now.
        var current = 0
        /// What each controller of the stack has come to: while one drains, its successor waits or runs.
        var totals: [ObjectIdentifier?: ControllerStatus.Totals] = [:]

        /// Goes on to a minute. Those that were left out in between are empty.
        mutating func advance(to minute: Int) {
            let steps = min(minute - current, RunHistory.minutes)
            for step in stride(from: 1, through: steps, by: 1) {
                minutes[(current + step) % RunHistory.minutes] = Minute()
            }
            current = max(current, minute)
        }

        mutating func count(_ change: (inout Minute) -> Void) { change(&minutes[current % RunHistory.minutes]) }

        /// The oldest first.
        var inOrder: [Minute] {
            (1...RunHistory.minutes).map { minutes[(current + $0) % RunHistory.minutes] }
        }
    }

    private let rings = Mutex<[String: Ring]>([:])
    private let now: @Sendable () -> Duration

    /// - Parameter now: The time since some start.
    init(now: @escaping @Sendable () -> Duration = RunHistory.timeSinceStart()) { self.now = now }

    static func timeSinceStart() -> @Sendable () -> Duration {
        let start = ContinuousClock.now
        return { start.duration(to: .now) }
    }

    private func change(_ stack: String, _ body: (inout Ring) -> Void) {
        let minute = Int(now().components.seconds / 60)
        rings.withLock { rings in
            if rings[stack] == nil { rings[stack] = Ring(current: minute) }
            rings[stack]?.advance(to: minute)
            if rings[stack] != nil { body(&rings[stack]!) }
        }
    }

    /// A job was launched so long after it was scheduled.
    func dispatched(stack: String, after latency: Duration) {
        change(stack) { ring in
            ring.count { minute in
                if minute.latencies == nil { minute.latencies = LatencyHistogram(.coarse) }
                minute.latencies?.record(latency)
            }
        }
    }

    /// Counts what has been added to the totals of a stack's controller since the last time. One that is new begins at zero.
    func count(stack: String, of controller: ObjectIdentifier? = nil, _ totals: ControllerStatus.Totals) {
        change(stack) { ring in
            let nothing = ControllerStatus().totals
            let known = ring.totals[controller] ?? nothing
            let isNew = totals.launched < known.launched || totals.failed < known.failed
            let before = isNew ? nothing : known
            ring.totals[controller] = totals
            ring.count { minute in
                minute.launched += totals.launched - before.launched
                minute.finished += max(0, totals.finished - before.finished)
                minute.failed += totals.failed - before.failed
            }
        }
    }

    /// The last hour of some stacks together, the oldest minute first.
    func hour(of stacks: [String]) -> [Minute] {
        let minute = Int(now().components.seconds / 60)
        let hours = rings.withLock { rings in
            stacks.compactMap { rings[$0] }
        }
        return hours.reduce(Array(repeating: Minute(), count: Self.minutes)) { sum, ring in
            var ring = ring
            ring.advance(to: minute)
            return zip(sum, ring.inOrder).map(+)
        }
    }

    /// Forgets the stacks, and of the others the controllers, that there are no longer.
    func keep(_ stacks: Set<String>, controllers: Set<ObjectIdentifier> = []) {
        func isGone(_ controller: ObjectIdentifier?) -> Bool { controller.map { !controllers.contains($0) } ?? false }
        rings.withLock { rings in
            if rings.keys.contains(where: { !stacks.contains($0) }) { rings = rings.filter { stacks.contains($0.key) } }
            for (stack, ring) in rings where ring.totals.keys.contains(where: isGone) {
                rings[stack]?.totals = ring.totals.filter { !isGone($0.key) }
            }
        }
    }
}
