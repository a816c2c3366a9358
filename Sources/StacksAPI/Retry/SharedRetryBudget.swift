import StacksTransport
import Synchronization

/// The one retry budget of a client. It owns the bucket.
final class SharedRetryBudget: Sendable {
    private let bucket: Mutex<RetryBucket>
    /// Whether a success has anything to add, so that successes take no lock while nothing fails.
    private let isFull = Atomic(true)

    init(_ budget: RetryBudget) { bucket = Mutex(RetryBucket(budget)) }

    /// Takes one retry, if there is one.
    func spend(now: Moment) -> Bool {
        bucket.withLock { bucket in
            defer { isFull.store(bucket.isFull, ordering: .relaxed) }
            return bucket.spend(now: now)
        }
    }

    /// A call succeeded.
    func succeeded() {
        if isFull.load(ordering: .relaxed) { return }
        bucket.withLock { bucket in
            bucket.succeeded()
            isFull.store(bucket.isFull, ordering: .relaxed)
        }
    }
}

extension StacksAPIError {
    static let budgetIsSpent = " It is not tried again: the retry budget is spent."
}
