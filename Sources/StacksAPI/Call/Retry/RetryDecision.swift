import HTTPTypes
import StacksTransport

/// What to do after each failure of one call. It takes failures and answers with an action; the waiting is done
/// elsewhere.
struct RetryDecision {
    enum Action {
        case wait(Duration)
        case giveUp(StacksAPIError)
    }

    let policy: RetryPolicy
    let repetition: Operation.Repetition
    let deadline: Moment?
    /// Whether a refusal that is not the API's own is waited out.
    let waitsOutProxies: Bool

    /// How many requests have been sent, the one under way included.
    private(set) var attempts = 1

    /// Whether the call ended because the retry budget was spent.
    private(set) var budgetWasSpent = false

    /// Whether any request so far may have taken effect.
    private(set) var mayHaveTakenEffect = false

    init(
        policy: RetryPolicy, repetition: Operation.Repetition, deadline: Moment?, waitsOutProxies: Bool = false
    ) {
        self.waitsOutProxies = waitsOutProxies
        self.policy = policy
        self.repetition = repetition
        self.deadline = deadline
    }

    /// What follows from a failure: a wait before the next attempt, or the error to throw.
    ///
    /// - Parameter pause: How long the rate limit keeps the next attempt at least. It is part of the wait, so that what is
    ///   said of the wait is what is waited.
    mutating func next(
        after failure: StacksAPIError,
        now: Moment,
        using generator: inout some RandomNumberGenerator,
        budget: SharedRetryBudget? = nil,
        pause: Duration = .zero
    ) -> Action {
        mayHaveTakenEffect = mayHaveTakenEffect || failure.mayHaveTakenEffect
        var error = failure
        error.attempts = attempts
        error.mayHaveTakenEffect = mayHaveTakenEffect
        if let deadline, deadline <= now, failure.underlying?.code == .timeout {
            error.code = .deadlineExceeded
            error.message = "The call's deadline passed. \(failure.message)"
            return .giveUp(error)
        }
        guard mayRepeat(after: failure), attempts < policy.maximumAttempts else { return .giveUp(error) }
        if let asked = failure.retryAfter, asked > policy.maximumRetryAfter {
            error.message +=
                " It is not tried again: the server asks to wait \(asked), and the policy waits "
                + "\(policy.maximumRetryAfter) at most."
            return .giveUp(error)
        }
        let delay = max(
            policy.delay(beforeRetry: attempts - 1, retryAfter: failure.retryAfter, using: &generator), pause)
        if let deadline, now + delay >= deadline {
            error.code = .deadlineExceeded
            error.message += " It is not tried again: the next attempt would be in \(delay), after the call's deadline."
            return .giveUp(error)
        }
        if let budget, !budget.spend(now: now) {
            error.message += StacksAPIError.budgetIsSpent
            budgetWasSpent = true
            return .giveUp(error)
        }
        attempts += 1
        return .wait(delay)
    }

    /// The request is sent again for another reason than a failure that passes.
    mutating func countRepetition() { attempts += 1 }

    /// The error of a deadline that passed before the next request was sent.
    func expired(_ operation: StacksOperation) -> StacksAPIError {
        StacksAPIError(
            code: .deadlineExceeded,
            operation: operation,
            message: attempts == 1
                ? "The call's deadline had passed already; nothing was sent."
                : "The call's deadline passed while it waited to try again.",
            attempts: attempts - 1,
            mayHaveTakenEffect: mayHaveTakenEffect
        )
    }

    /// The error of a request whose turn under the rate limit comes too late.
    func wouldWait(_ operation: StacksOperation, _ delay: Duration) -> StacksAPIError {
        StacksAPIError(
            code: .deadlineExceeded,
            operation: operation,
            message: "The rate limit lets the request go in \(delay) at the earliest, after the call's deadline.",
            attempts: attempts - 1,
            mayHaveTakenEffect: mayHaveTakenEffect
        )
    }

    /// The error of a token that had not come when the deadline passed.
    ///
    /// - Parameter attempts: How many requests were sent before.
    func tokenWasLate(_ operation: StacksOperation, attempts: Int) -> StacksAPIError {
        StacksAPIError(
            code: .deadlineExceeded,
            operation: operation,
            message: attempts == 0
                ? "The call's deadline passed while the token provider was asked; nothing was sent."
                : "The call's deadline passed while the token provider was asked for another token than the one that "
                    + "the server refused.",
            attempts: attempts,
            mayHaveTakenEffect: mayHaveTakenEffect
        )
    }

    /// Whether the request may be sent again, by what failed and by what repeating it would do.
    private func mayRepeat(after failure: StacksAPIError) -> Bool {
        guard failure.isRetryable || waitsOutProxies && failure.isProxyRefusal else { return false }
        if let transportError = failure.underlying {
            return repetition == .always || !transportError.mayHaveReachedServer
        }
        switch repetition {
        case .always, .whenRefused: return true
        case .whenNotAccepted:
            return failure.status == .tooManyRequests || failure.status == .serviceUnavailable || failure.isProxyRefusal
        }
    }
}
