import Synchronization
package import Workload

/// Makes calls.
package protocol Caller: Sendable {
    /// Makes one call, and throws when its response is not the expected one.
    func make(_ call: Call) async throws
}

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

    /// Has `caller` make the calls.
    package func perform(_ caller: some Caller) async -> Tally {
        let end = ProcessUsage.clockNanoseconds + UInt64(order.milliseconds) * 1_000_000
        await withDiscardingTaskGroup { group in
            for _ in 0..<min(order.concurrency, order.calls) {
                group.addTask { await callAgainAndAgain(until: end, caller) }
            }
        }
        return Tally(
            calls: counts.ended.load(ordering: .acquiring), errors: counts.errors.load(ordering: .acquiring),
            firstError: counts.firstError.withLock { $0 })
    }

    /// - Parameter end: When to make no further call. In nanoseconds, as in the loop in C: reading Swift's clock takes more
    ///   instructions.
    private func callAgainAndAgain(until end: UInt64, _ caller: some Caller) async {
        var asked = ProcessUsage.clockNanoseconds
        // The first call is made whatever the time: on a busy machine a short order can be over before it is begun.
        var isFirst = true
        while isFirst || asked < end, counts.begun.wrappingAdd(1, ordering: .relaxed).oldValue < order.calls {
            isFirst = false
            do {
                try await caller.make(order.call)
            } catch {
                counts.errors.wrappingAdd(1, ordering: .relaxed)
                counts.firstError.withLock { first in if first == nil { first = "\(error)" } }
            }
            let responded = ProcessUsage.clockNanoseconds
            let number = counts.ended.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
            latencies.values[number] = responded - asked
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
