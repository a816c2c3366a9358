import StacksTransport

/// What to do after each step of finishing a job, so that it is finished once: a value that takes what happened and
/// answers with the next step.
///
/// A finish must not be sent again blindly. When its fate is not known, the job's state is asked for: `finished` means
/// that it was done, `reserved` and `scheduled` that it was not, and everything else that it cannot be done any more.
struct FinishDecision {
    enum Action {
        /// Ask for the job's state after a wait.
        case ask(after: Duration)
        /// Send the finish again.
        case send
        /// The job is finished.
        case confirmed
        case giveUp(StacksAPIError)
    }

    let policy: RetryPolicy
    let deadline: Moment?

    /// How many requests were sent, questions included.
    private(set) var requests = 0

    /// How many of them were finishes.
    private(set) var finishes = 0

    /// The last failure after which the job may have been finished.
    private var doubt: StacksAPIError?

    /// A refusal that may be the answer to a repetition of what had been done.
    private var refusal: StacksAPIError?

    init(policy: RetryPolicy, deadline: Moment?) {
        self.policy = policy
        self.deadline = deadline
    }

    /// The policy of the next finish: what is left of the attempts.
    var remainingPolicy: RetryPolicy {
        var policy = policy
        policy.maximumAttempts = max(1, policy.maximumAttempts - finishes)
        return policy
    }

    /// The job was finished by a request that was answered after `attempts`.
    mutating func succeeded(attempts: Int) { requests += attempts }

    /// What follows from a finish that failed.
    mutating func next(
        afterFinish failure: StacksAPIError,
        now: Moment,
        using generator: inout some RandomNumberGenerator
    ) -> Action {
        requests += failure.attempts
        finishes += failure.attempts
        // One request and no more was asked for, or there is no time left for another.
        guard policy.maximumAttempts > 1, failure.code != .deadlineExceeded else { return .giveUp(final(failure)) }
        if failure.mayHaveTakenEffect {
            doubt = failure
            refusal = nil
            if let asked = failure.retryAfter, asked > policy.maximumRetryAfter {
                var error = failure
                error.message +=
                    " Its state is not asked for: the server asks to wait \(asked), and the policy waits "
                    + "\(policy.maximumRetryAfter) at most."
                return .giveUp(final(error))
            }
            // The wait gives a request that is still on its way the time to arrive.
            let delay = policy.delay(
                beforeRetry: max(0, finishes - 1), retryAfter: failure.retryAfter, using: &generator)
            guard let deadline, now + delay >= deadline else { return .ask(after: delay) }
            var error = failure
            error.code = .deadlineExceeded
            error.message += " Its state would be asked for in \(delay), after the call's deadline."
            return .giveUp(final(error))
        }
        switch failure.code {
        case .unprocessable, .notFound, .badRequest, .unexpectedStatus:
            guard doubt != nil else { return .giveUp(final(failure)) }
            refusal = failure
            return .ask(after: .zero)
        default: return .giveUp(final(failure))
        }
    }

    /// What follows from the job's state, `nil` when the server does not know the job.
    mutating func next(afterState state: JobState?, attempts: Int) -> Action {
        requests += attempts
        guard let doubt else { return .send }
        switch state {
        case .finished: return .confirmed
        case .reserved, .scheduled:
            if let refusal { return .giveUp(final(refusal)) }
            if finishes < policy.maximumAttempts { return .send }
            var error = doubt
            error.message += " It was \(state?.rawValue ?? "there") still, and the attempts are used up."
            return .giveUp(final(error))
        default:
            var error = refusal ?? doubt
            error.code = .unexpectedJobState
            error.message +=
                state.map { " It was \"\($0)\" when it was asked for: a stack cannot finish it any more." }
                ?? " The server did not know it when it was asked for."
            return .giveUp(final(error))
        }
    }

    /// What follows when the job's state could not be learnt.
    mutating func next(afterQuestion failure: StacksAPIError) -> Action {
        requests += failure.attempts
        var error = doubt ?? failure
        if failure.code == .deadlineExceeded { error.code = .deadlineExceeded }
        error.message += " Asking for its state failed: \(failure.message)"
        return .giveUp(final(error))
    }

    /// The error when nothing more may be sent.
    func budgetIsSpent(after failure: StacksAPIError) -> StacksAPIError {
        var error = failure
        error.message += StacksAPIError.budgetIsSpent
        return final(error)
    }

    private func final(_ error: StacksAPIError) -> StacksAPIError {
        var error = error
        error.attempts = requests
        error.mayHaveTakenEffect = error.mayHaveTakenEffect || doubt != nil
        return error
    }
}
