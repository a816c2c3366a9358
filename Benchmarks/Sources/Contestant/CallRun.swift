import Synchronization

/// One order being carried out: callers in tasks of their own, each of which calls again as soon as it has its response.
package struct CallRun: Sendable {
    private let order: Order
    private let latencies: Latencies
    private let counts = Counts()

    /// Shared by the callers.
    private final class Counts: Sendable {
        let begun = Atomic(0)
        let ended = Atomic(0)
        let errors = Atomic(0)
        let firstError = Mutex<String?>(nil)
    }

    package init(_ order: Order, latencies: Latencies) {
        self.order = order
        self.latencies = latencies
    }

    /// Makes the calls. Each of them is `call`, which throws when the response is not the expected one.
    package func perform(_ call: @escaping @Sendable () async throws -> Void) async -> Tally {
        let began = ContinuousClock.now
        let end = began + .milliseconds(order.milliseconds)
        await withDiscardingTaskGroup { group in
            for _ in 0..<min(order.concurrency, order.calls) {
                group.addTask { await callAgainAndAgain(until: end, call) }
            }
        }
        return Tally(
            calls: counts.ended.load(ordering: .acquiring), errors: counts.errors.load(ordering: .acquiring),
            firstError: counts.firstError.withLock { $0 })
    }

    private func callAgainAndAgain(until end: ContinuousClock.Instant, _ call: @Sendable () async throws -> Void) async
    {
        var asked = ContinuousClock.now
        // The first call is made whatever the time: on a busy machine a short order can be over before it is begun.
        var isFirst = true
        while isFirst || asked < end, counts.begun.wrappingAdd(1, ordering: .relaxed).oldValue < order.calls {
            isFirst = false
            do {
                try await call()
            } catch {
                counts.errors.wrappingAdd(1, ordering: .relaxed)
                counts.firstError.withLock { first in if first == nil { first = "\(error)" } }
            }
            let responded = ContinuousClock.now
            let number = counts.ended.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
            latencies.values[number] = UInt64((responded - asked) / .nanoseconds(1))
            asked = responded
        }
    }
}

/// How many calls were made, and how they went.
package struct Tally: Sendable {
    package var calls: Int
    package var errors: Int
    package var firstError: String?

    package init(calls: Int, errors: Int, firstError: String?) {
        self.calls = calls
        self.errors = errors
        self.firstError = firstError
    }
}
