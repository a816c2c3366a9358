import StacksTransport

extension ClientCore {
    /// Finishes a job once, with requests for its state and waits as needed.
    func finish(
        _ job: JobID, stack: String, body: [UInt8], options: CallOptions
    ) async throws -> StacksResponse<NoContent> {
        if let problem = options.retryPolicy?.problem { throw Argument.failure(problem, for: .finishJob) }
        let target = target(.finishJob, stack: stack, job: job)
        return try await wholeCall(target.operation, options) { options in
            try await finish(target, of: job, stack: stack, body: body, options: options)
        }
    }

    /// Does what ``FinishDecision`` says.
    private func finish(
        _ target: CallTarget, of job: JobID, stack: String, body: [UInt8], options: CallOptions
    ) async throws -> StacksResponse<NoContent> {
        var decision = FinishDecision(
            policy: options.retryPolicy ?? configuration.retryPolicy, deadline: options.limit)
        var options = options
        while true {
            options.retryPolicy = decision.remainingPolicy
            let failure: StacksAPIError
            do {
                var response = try await perform(target, body: body, options: options)
                decision.succeeded(attempts: response.attempts)
                response.attempts = decision.requests
                return response
            } catch let error as StacksAPIError {
                failure = error
            }
            var generator = FunctionGenerator(bits: environment.randomBits)
            switch decision.next(afterFinish: failure, now: environment.now(), using: &generator) {
            case .giveUp(let error): throw error
            case .requestState(let doubt, let delay):
                if let budget, !budget.spend(now: environment.now()) {
                    metrics?.budgetWasSpent(.finishJob)
                    throw decision.budgetIsSpent(after: failure)
                }
                if delay > .zero { try await environment.sleep(delay) }
                options.retryPolicy = decision.policy
                if let response = try await confirmation(of: job, in: doubt, stack: stack, options: options, &decision)
                {
                    return response
                }
            }
        }
    }

    /// Requests the job's state: the call's response when the job is finished, `nil` when the finish must be retried.
    private func confirmation(
        of job: JobID, in doubt: FinishDecision.Doubt, stack: String, options: CallOptions,
        _ decision: inout FinishDecision
    ) async throws -> StacksResponse<NoContent>? {
        let states: StacksResponse<JobStates>
        do {
            states = try await perform(
                target(.jobStates, stack: stack), body: JobListRequest().encode([job]), options: options,
                decode: JobStates.read)
        } catch let error as StacksAPIError {
            throw decision.stateIsUnknown(after: error, in: doubt)
        }
        if states.unreadableJobs.contains(job) {
            let error = StacksAPIError(
                code: .decoding, operation: .jobStates, message: "The state in the response cannot be decoded.",
                attempts: states.attempts)
            throw decision.stateIsUnknown(after: error, in: doubt)
        }
        switch decision.next(afterState: states.value[job], in: doubt, attempts: states.attempts) {
        case .giveUp(let error): throw error
        case .retry: return nil
        case .confirmed:
            var response = states.map { _ in NoContent() }
            response.attempts = decision.requests
            response.wasConfirmedByState = true
            metrics?.confirmedFinish()
            return response
        }
    }
}
