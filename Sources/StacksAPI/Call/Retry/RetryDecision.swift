import HTTPTypes
import StacksTransport
import Synchronization

/// Decides what to do after each failure of one call: a value that takes a failure and returns an action.
struct RetryDecision {
    enum Action {
        case wait(Duration)
        case giveUp(StacksAPIError)
    }

    let policy: RetryPolicy
    let repetition: OperationDefinition.Repetition
    let deadline: Moment?
    /// Whether a proxy's refusal is retried.
    let waitsOutProxies: Bool

    /// The number of the request that is under way or, while the call waits, comes next; 1 for the first.
    private(set) var attempt = 1

    /// Whether the call ended because the retry budget was spent.
    private(set) var budgetWasSpent = false

    /// Whether any request so far may have taken effect.
    private(set) var mayHaveTakenEffect = false

    init(
        policy: RetryPolicy, repetition: OperationDefinition.Repetition, deadline: Moment?,
        waitsOutProxies: Bool = false
    ) {
        self.waitsOutProxies = waitsOutProxies
        self.policy = policy
        self.repetition = repetition
        self.deadline = deadline
    }

    /// What follows a failure: a wait before the next attempt, or the error to throw.
    ///
    /// - Parameter pause: How long the rate limit delays the next attempt at least. It is part of the wait, so that
    ///   errors and logs report the whole wait.
    mutating func next(
        after failure: StacksAPIError,
        now: Moment,
        using generator: inout some RandomNumberGenerator,
        budget: SharedRetryBudget? = nil,
        pause: Duration = .zero
    ) -> Action {
        mayHaveTakenEffect = mayHaveTakenEffect || failure.mayHaveTakenEffect
        var error = failure
        error.attempts = attempt
        error.mayHaveTakenEffect = mayHaveTakenEffect
        if let deadline, deadline <= now, failure.underlying?.code == .timeout {
            error.code = .deadlineExceeded
            error.message = "The call's deadline passed. \(failure.message)"
            return .giveUp(error)
        }
        guard mayRepeat(after: failure), attempt < policy.maximumAttempts else { return .giveUp(error) }
        if let asked = failure.retryAfter, asked > policy.maximumRetryAfter {
            error.message +=
                " The client does not retry: the server asks to wait \(asked), and the policy waits "
                + "\(policy.maximumRetryAfter) at most."
            return .giveUp(error)
        }
        let delay = max(
            policy.delay(beforeRetry: attempt - 1, retryAfter: failure.retryAfter, using: &generator), pause)
        if let deadline, now + delay >= deadline {
            error.code = .deadlineExceeded
            error.message +=
                " The client does not retry: the next attempt would be in \(delay), after the call's deadline."
            return .giveUp(error)
        }
        if let budget, !budget.spend(now: now) {
            error.message += StacksAPIError.budgetIsSpent
            budgetWasSpent = true
            return .giveUp(error)
        }
        attempt += 1
        return .wait(delay)
    }

    /// The request is retried with a new token, which the policy does not limit.
    mutating func countTokenRetry() { attempt += 1 }

    /// Throws when the deadline has passed before the next request is sent.
    func checkDeadline(_ now: Moment, for operation: StacksOperation) throws(StacksAPIError) {
        guard let deadline, deadline <= now else { return }
        throw StacksAPIError(
            code: .deadlineExceeded,
            operation: operation,
            message: attempt == 1
                ? "The call's deadline had already passed; nothing was sent."
                : "The call's deadline passed while the client waited to retry.",
            attempts: attempt - 1,
            mayHaveTakenEffect: mayHaveTakenEffect
        )
    }

    /// The error of a request that the rate limit delays past the deadline.
    func wouldWait(_ operation: StacksOperation, _ delay: Duration) -> StacksAPIError {
        StacksAPIError(
            code: .deadlineExceeded,
            operation: operation,
            message: "The rate limit allows the request in \(delay) at the earliest, after the call's deadline.",
            attempts: attempt - 1,
            mayHaveTakenEffect: mayHaveTakenEffect
        )
    }

    /// The error of a call whose deadline passed before the token provider returned.
    ///
    /// - Parameter attempts: How many requests were sent before.
    func tokenWasLate(_ operation: StacksOperation, attempts: Int) -> StacksAPIError {
        StacksAPIError(
            code: .deadlineExceeded,
            operation: operation,
            message: attempts == 0
                ? "The call's deadline passed before the token provider returned a token; nothing was sent."
                : "The server refused the token, and the call's deadline passed before the token provider returned "
                    + "another.",
            attempts: attempts,
            mayHaveTakenEffect: mayHaveTakenEffect
        )
    }

    /// Whether the request may be repeated, given the failure and the operation.
    private func mayRepeat(after failure: StacksAPIError) -> Bool {
        guard failure.isRetryable || waitsOutProxies && failure.isProxyRefusal else { return false }
        if let transportError = failure.underlying {
            return repetition == .always || !transportError.mayHaveReachedServer
        }
        switch repetition {
        case .always, .whenRefused: return true
        case .whenNotAccepted:
            guard !failure.mayHaveTakenEffect else { return false }
            return failure.status == .tooManyRequests || failure.status == .serviceUnavailable || failure.isProxyRefusal
        }
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
