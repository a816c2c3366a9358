import Contestant
import StacksAPI
import Synchronization
import Workload

/// Calls without a response, each cancelled while it is under way. It owns their counts.
final class Cancelling: Sendable {
    private let client: StacksClient
    private let order: Order
    private let latencies: Latencies
    private let begun = Atomic(0)
    private let ended = Atomic(0)
    private let errors = Atomic(0)

    /// How long a call is left alone: enough for its request to reach the server, and so long that all callers together
    /// cancel no more than 2500 calls a second. With more the time would tell how fast calls are made.
    private var patience: Duration { .microseconds(max(3000, 400 * order.concurrency)) }

    init(_ client: StacksClient, _ order: Order, _ latencies: Latencies) {
        self.client = client
        self.order = order
        self.latencies = latencies
    }

    func perform() async -> Tally {
        await withDiscardingTaskGroup { group in
            for _ in 0..<order.concurrency { group.addTask { await self.cancelAgainAndAgain() } }
        }
        let errors = errors.load(ordering: .acquiring)
        return Tally(
            calls: ended.load(ordering: .acquiring), errors: errors,
            firstError: errors > 0 ? "a cancelled call ended otherwise than with a CancellationError" : nil)
    }

    private func cancelAgainAndAgain() async {
        while begun.wrappingAdd(1, ordering: .relaxed).oldValue < order.calls {
            let (latency, isRight) = await cancelOne()
            if !isRight { errors.wrappingAdd(1, ordering: .relaxed) }
            let number = ended.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
            latencies.values[number] = UInt64(latency / .nanoseconds(1))
        }
    }

    /// From the cancelling until the call has returned, and whether it returned as it should.
    private func cancelOne() async -> (Duration, Bool) {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [client] in
                do {
                    _ = try await client.job("00000000-0000-4000-8000-000000000000", stack: WireRequest.silentStack)
                    return false
                } catch {
                    return error is CancellationError
                }
            }
            try? await Task.sleep(for: patience)
            let cancelled = ContinuousClock.now
            group.cancelAll()
            let isRight = await group.next() ?? false
            return (ContinuousClock.now - cancelled, isRight)
        }
    }
}
