extension StacksClient {
    /// Reads a job's environment and command. Both can contain secrets.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - stack: The stack's key.
    ///   - options: Options of this call.
    /// - Returns: The job's current environment and command.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/notFound`` when there is no such job.
    public func job(
        _ id: JobID,
        stack: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<Job> {
        try Argument.check(stackKey: stack, job: id, for: .job)
        return try await core.perform(
            core.target(.job, stack: stack, job: id), options: options, decode: Job.read)
    }

    /// Reads the states of jobs.
    ///
    /// More than 1000 jobs take several requests, some at the same time; see ``StacksResponse/failedBatches``.
    ///
    /// - Parameters:
    ///   - jobs: The jobs, at least one.
    ///   - stack: The stack's key.
    ///   - options: Options of this call.
    /// - Returns: The states, without jobs that the server does not know.
    /// - Throws: ``StacksAPIError``.
    public func jobStates(
        _ jobs: [JobID],
        stack: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<JobStates> {
        try Argument.check(stackKey: stack, jobs: jobs, for: .jobStates)
        return try await core.performInBatches(
            core.target(.jobStates, stack: stack), jobs: jobs, options: options, decode: JobStates.read
        ) { parts in
            var joined = JobStates(states: Dictionary(minimumCapacity: jobs.count))
            for part in parts {
                joined.states.merge(part.states) { _, later in later }
                joined.unreadableJobs.formUnion(part.unreadableJobs)
            }
            return joined
        }
    }

    /// Finishes a job that this stack reserved and no agent ran, for lack of capacity for example.
    ///
    /// The call finishes a job at most once. After a failure that may have taken effect, it asks for the job's state.
    /// If that is `finished`, the call succeeds (``StacksResponse/wasConfirmedByState``); if it is still `reserved` or
    /// `scheduled`, the call retries; any other state is an error. With ``RetryPolicy/never`` it does not ask, and the
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
        try Argument.check(stackKey: stack, for: .finishJob)
        try Argument.check(job: id, for: .finishJob)
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
