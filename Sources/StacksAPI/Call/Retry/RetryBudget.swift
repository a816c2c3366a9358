import StacksTransport
import Synchronization

/// How many retries all calls of a client may use together, so that an outage does not multiply its traffic.
///
/// Each retry takes one from the budget; when the budget is empty, a call throws its last failure. Successes and time
/// refill it. ``RetryPolicy`` limits the attempts of one call, the budget those of all calls.
public struct RetryBudget: Sendable, Hashable {
    /// How many retries the budget holds; a client starts with a full one.
    public var capacity: Int

    /// How many retries a successful call adds.
    public var perSuccess: Double

    /// How many retries a second adds, so that a client with few calls can retry too.
    public var perSecond: Double

    /// A budget.
    ///
    /// - Parameters:
    ///   - capacity: How many retries it holds, at least 1.
    ///   - perSuccess: How many a successful call adds.
    ///   - perSecond: How many a second adds.
    public init(capacity: Int, perSuccess: Double = 0.1, perSecond: Double = 1) {
        self.capacity = capacity
        self.perSuccess = perSuccess
        self.perSecond = perSecond
    }

    /// 100 retries at once, then one per second and one for every ten successful calls.
    public static let standard = RetryBudget(capacity: 100)

    /// What is wrong with the values, or `nil`.
    var problem: String? {
        if capacity < 1 { return "A retry budget's capacity must be at least 1, not \(capacity)." }
        guard perSuccess >= 0, perSuccess.isFinite, perSecond >= 0, perSecond.isFinite else {
            return
                "A retry budget's refill cannot be negative: \(perSuccess) per success, \(perSecond) per second."
        }
        return nil
    }
}

/// What is left of a budget: a value that takes retries, successes and the time.
struct RetryBucket: Sendable {
    private let budget: RetryBudget
    private var tokens: Double
    private var updated: Moment?

    init(_ budget: RetryBudget) {
        self.budget = budget
        tokens = Double(budget.capacity)
    }

    /// Takes one retry, if there is one.
    mutating func spend(now: Moment) -> Bool {
        if let updated {
            add(budget.perSecond * max(0, updated.duration(to: now) / .seconds(1)))
        }
        updated = now
        // The sum of ten tenths is a little less than one.
        guard tokens >= 1 - 1e-9 else { return false }
        tokens = max(0, tokens - 1)
        return true
    }

    mutating func succeeded() { add(budget.perSuccess) }

    private mutating func add(_ count: Double) { tokens = min(Double(budget.capacity), tokens + count) }
}

/// A client's retry budget. It owns the bucket.
final class SharedRetryBudget: Sendable {
    private let bucket: Mutex<RetryBucket>

    init(_ budget: RetryBudget) { bucket = Mutex(RetryBucket(budget)) }

    /// Takes one retry, if there is one.
    func spend(now: Moment) -> Bool { bucket.withLock { $0.spend(now: now) } }

    /// A call succeeded.
    func succeeded() { bucket.withLock { $0.succeeded() } }
}

extension StacksAPIError {
    static let budgetIsSpent = " The client does not retry: the retry budget is spent."
}
