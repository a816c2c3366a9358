import StacksTransport

/// Decides on each step of finishing a job, so that it is finished once: a value that takes what happened and returns
/// the next step.
///
/// A finish must not be retried blindly. When its effect is not known, the job's state is: `finished` means that the
/// finish took effect, `reserved` and `scheduled` that it did not, and any other state that it no longer can.
struct FinishDecision {
    /// What follows a finish that failed.
    enum Action {
        /// Request the job's state after a wait.
        case requestState(Doubt, after: Duration)
        case giveUp(StacksAPIError)
    }

    /// What follows the job's state.
    enum Conclusion {
        /// The job is finished.
        case confirmed
        /// The finish did not take effect: retry it.
        case retry
        case giveUp(StacksAPIError)
    }

    /// Why the job's state is requested.
    struct Doubt {
        /// The last failure after which the job may have been finished.
        let failure: StacksAPIError
        /// A later refusal that may be due to a finish that took effect before.
        var refusal: StacksAPIError?
    }

    let policy: RetryPolicy
    let deadline: Moment?

    /// How many requests were sent, those for the state included.
    private(set) var requests = 0

    /// How many of them were finishes.
    private(set) var finishes = 0

    /// The last failure after which the job may have been finished.
    private var doubtful: StacksAPIError?

    init(policy: RetryPolicy, deadline: Moment?) {
        self.policy = policy
        self.deadline = deadline
    }

    /// The policy of the next finish, with the remaining attempts.
    var remainingPolicy: RetryPolicy {
        var policy = policy
        policy.maximumAttempts = max(1, policy.maximumAttempts - finishes)
        return policy
    }

    /// The job was finished after this many attempts.
    mutating func succeeded(attempts: Int) { requests += attempts }

    /// What follows a finish that failed.
    mutating func next(
        afterFinish failure: StacksAPIError,
        now: Moment,
        using generator: inout some RandomNumberGenerator
    ) -> Action {
        requests += failure.attempts
        finishes += failure.attempts
        // The policy allows a single request, or there is no time for another.
        guard policy.maximumAttempts > 1, failure.code != .deadlineExceeded else { return .giveUp(final(failure)) }
        if failure.mayHaveTakenEffect {
            doubtful = failure
            if let asked = failure.retryAfter, asked > policy.maximumRetryAfter {
                var error = failure
                error.message +=
                    " The client does not request the job's state: the server asks to wait \(asked), and the policy waits "
                    + "\(policy.maximumRetryAfter) at most."
                return .giveUp(final(error))
            }
            // The wait gives a request that is still under way time to arrive.
            let delay = policy.delay(
                beforeRetry: max(0, finishes - 1), retryAfter: failure.retryAfter, using: &generator)
            guard let deadline, now + delay >= deadline else {
                return .requestState(Doubt(failure: failure), after: delay)
            }
            var error = failure
            error.code = .deadlineExceeded
            error.message += " The client would request the job's state in \(delay), after the call's deadline."
            return .giveUp(final(error))
        }
        switch failure.code {
        case .unprocessable, .notFound, .badRequest, .unexpectedStatus:
            guard let doubtful else { return .giveUp(final(failure)) }
            return .requestState(Doubt(failure: doubtful, refusal: failure), after: .zero)
        default: return .giveUp(final(failure))
        }
    }

    /// What follows the job's state, which is `nil` when the server does not know the job.
    mutating func next(afterState state: JobState?, in doubt: Doubt, attempts: Int) -> Conclusion {
        requests += attempts
        switch state {
        case .finished: return .confirmed
        case .reserved, .scheduled:
            if let refusal = doubt.refusal { return .giveUp(final(refusal)) }
            if finishes < policy.maximumAttempts { return .retry }
            var error = doubt.failure
            error.message += " Its state is still \(state?.rawValue ?? "unknown"), and no attempts are left."
            return .giveUp(final(error))
        default:
            var error = doubt.refusal ?? doubt.failure
            error.code = .unexpectedJobState
            error.message +=
                state.map { " Its state is \"\($0)\", in which a stack cannot finish it." }
                ?? " The server does not know the job."
            return .giveUp(final(error))
        }
    }

    /// The error when the request for the job's state failed.
    mutating func stateIsUnknown(after failure: StacksAPIError, in doubt: Doubt) -> StacksAPIError {
        requests += failure.attempts
        var error = doubt.failure
        if failure.code == .deadlineExceeded { error.code = .deadlineExceeded }
        error.message += " The request for the job's state failed: \(failure.message)"
        return final(error)
    }

    /// The error when the retry budget is spent.
    func budgetIsSpent(after failure: StacksAPIError) -> StacksAPIError {
        var error = failure
        error.message += StacksAPIError.budgetIsSpent
        return final(error)
    }

    private func final(_ error: StacksAPIError) -> StacksAPIError {
        var error = error
        error.attempts = requests
        error.mayHaveTakenEffect = error.mayHaveTakenEffect || doubtful != nil
        return error
    }
}
