import StacksTransport

extension StacksClient {
    /// Finishes a job that this stack reserved and no agent ran, for lack of capacity for example.
    ///
    /// The call finishes a job at most once. After a failure that may have taken effect, it requests the job's state.
    /// If that is `finished`, the call succeeds (``StacksResponse/wasConfirmedByState``); if it is still `reserved` or
    /// `scheduled`, the call retries; any other state is an error. With ``RetryPolicy/never`` it does not, and the
    /// error says so with ``StacksAPIError/mayHaveTakenEffect``.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - stack: The stack's key.
    ///   - exitStatus: The job's exit status. 0 means that it passed.
    ///   - detail: The reason, shown on the job's page: 1 to 4096 bytes. The client crops a longer one and marks its
    ///     end.
    ///   - options: Options of this call.
    /// - Returns: No value; ``StacksResponse/wasConfirmedByState`` says how the client knows that the job is finished.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/unexpectedJobState`` when the response was lost and the job
    ///   is neither finished nor waiting.
    @discardableResult
    public func finishJob(
        _ id: JobID,
        stack: String,
        exitStatus: Int,
        detail: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<NoContent> {
        try Argument.check(stackKey: stack, job: id, for: .finishJob)
        try Argument.check(exitStatus: exitStatus, for: .finishJob)
        try Argument.check(detail: detail, for: .finishJob)
        let detail = core.cropped(detail, to: .finishDetail, of: .finishJob)
        return try await core.finish(
            id, stack: stack, body: FinishRequest.encode(exitStatus: exitStatus, detail: detail), options: options)
    }

    /// Fails a job that this stack reserved and could not start: ``finishJob(_:stack:exitStatus:detail:options:)`` with
    /// an exit status other than 0.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - stack: The stack's key.
    ///   - exitStatus: The job's exit status, anything but 0.
    ///   - detail: What went wrong, shown on the job's page: 1 to 4096 bytes. The client crops a longer one and
    ///     marks its end.
    ///   - options: Options of this call.
    /// - Returns: No value; ``StacksResponse/wasConfirmedByState`` says how the client knows that the job is finished.
    /// - Throws: ``StacksAPIError``, with ``StacksAPIError/Code/invalidArgument`` when `exitStatus` is 0.
    @discardableResult
    public func failJob(
        _ id: JobID,
        stack: String,
        exitStatus: Int = -1,
        detail: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<NoContent> {
        try Argument.check(failureStatus: exitStatus, for: .finishJob)
        return try await finishJob(id, stack: stack, exitStatus: exitStatus, detail: detail, options: options)
    }
}

/// The body that finishes a job. It always has the exit status, even 0: the server assumes -1 when it is missing.
enum FinishRequest {
    static func encode(exitStatus: Int, detail: String) -> [UInt8] {
        let capacity = 32 + JSONWriter.maximumIntSize + JSONWriter.size(detail)
        return JSONWriter.bytes(capacity: capacity) { writer in
            writer.raw(#"{"exit_status":"#)
            writer.int(exitStatus)
            writer.raw(#","detail":"#)
            writer.string(detail)
            writer.raw("}")
        }
    }
}

extension ClientCore {
    /// Finishes a job once, with requests for its state and waits as needed.
    func finish(
        _ job: JobID, stack: String, body: [UInt8], options: CallOptions
    ) async throws -> StacksResponse<NoContent> {
        if let problem = options.retryPolicy?.problem { throw Argument.failure(problem, for: .finishJob) }
        let target = target(.finishJob, stack: stack, job: job)
        return try await wholeCall(target.definition, options) { options in
            try await finish(target, of: job, stack: stack, body: body, options: options)
        }
    }

    /// Does what ``FinishDecision`` says.
    private func finish(
        _ target: CallTarget, of job: JobID, stack: String, body: [UInt8], options: CallOptions
    ) async throws -> StacksResponse<NoContent> {
        var decision = FinishDecision(
            policy: options.retryPolicy ?? configuration.retryPolicy, deadline: options.deadlineMoment)
        var options = options
        while true {
            options.retryPolicy = decision.remainingPolicy
            do {
                var response = try await perform(target, body: body, options: options)
                decision.succeeded(attempts: response.attempts)
                response.attempts = decision.requests
                return response
            } catch let failure as StacksAPIError {
                if let response = try await confirmation(
                    of: job, after: failure, stack: stack, options: options, &decision)
                {
                    return response
                }
            }
        }
    }

    /// Finds out whether a failed finish has taken effect: the call's response when it has, `nil` when the finish must be
    /// retried. It is a function of its own, so that the frame of a finish that succeeds has no room for it.
    @inline(never)
    private func confirmation(
        of job: JobID, after failure: StacksAPIError, stack: String, options: CallOptions,
        _ decision: inout FinishDecision
    ) async throws -> StacksResponse<NoContent>? {
        var generator = FunctionGenerator(bits: environment.randomBits)
        switch decision.next(afterFinish: failure, now: environment.now(), using: &generator) {
        case .giveUp(let error): throw error
        case .requestState(let doubt, let delay):
            if let budget, !budget.spend(now: environment.now()) {
                metrics?.budgetWasSpent(.finishJob)
                throw decision.budgetIsSpent(after: failure)
            }
            if delay > .zero { try await environment.sleep(delay) }
            var options = options
            options.retryPolicy = decision.policy
            return try await confirmation(of: job, in: doubt, stack: stack, options: options, &decision)
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
