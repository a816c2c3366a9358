extension StacksClient {
    /// Reads what a job runs: its environment and its command. Both can hold secrets.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - stack: The stack's key.
    ///   - options: What this call does otherwise than the client.
    /// - Returns: The job's environment and command, as the build has them now.
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
    /// More than 1000 jobs are asked about by several requests, some at the same time; see
    /// ``StacksResponse/failedBatches``.
    ///
    /// - Parameters:
    ///   - jobs: The jobs, at least one.
    ///   - stack: The stack's key.
    ///   - options: What this call does otherwise than the client.
    /// - Returns: The states. A job that the server does not know is missing.
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
            var joined: [JobID: JobState] = [:]
            joined.reserveCapacity(jobs.count)
            for part in parts { joined.merge(part.states) { _, later in later } }
            return JobStates(states: joined)
        }
    }

    /// Finishes a job that this stack reserved and that no agent ran, for lack of capacity for example.
    ///
    /// At most once a job. After a failure that may have come after the server did it, the job's state is asked for:
    /// when it is `finished`, the call succeeds (``StacksResponse/wasConfirmedByState``); when it is still `reserved` or
    /// `scheduled`, the request is sent once more; any other state is an error. With ``RetryPolicy/never`` nothing is
    /// asked, and the error says that it is not known (``StacksAPIError/mayHaveTakenEffect``).
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - stack: The stack's key.
    ///   - exitStatus: The job's exit status. 0 means that it passed.
    ///   - detail: Why, shown on the job's page: 1 to 4096 bytes. A longer one is cropped, with a marker at its end.
    ///   - options: What this call does otherwise than the client.
    /// - Returns: No value; ``StacksResponse/wasConfirmedByState`` tells how it is known that the job is finished.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/unexpectedJobState`` when the answer was lost and the job is
    ///   neither finished nor waiting.
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
    /// an exit status that is not 0.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - stack: The stack's key.
    ///   - exitStatus: The job's exit status, anything but 0.
    ///   - errorDetail: What went wrong, shown on the job's page: 1 to 4096 bytes. A longer one is cropped, with a
    ///     marker at its end.
    ///   - options: What this call does otherwise than the client.
    /// - Returns: No value; ``StacksResponse/wasConfirmedByState`` tells how it is known that the job is finished.
    /// - Throws: ``StacksAPIError``, with ``StacksAPIError/Code/invalidArgument`` when `exitStatus` is 0.
    @discardableResult
    public func failJob(
        _ id: JobID,
        stack: String,
        exitStatus: Int = -1,
        errorDetail: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<NoContent> {
        try Argument.check(failureStatus: exitStatus, for: .finishJob)
        return try await finishJob(id, stack: stack, exitStatus: exitStatus, detail: errorDetail, options: options)
    }
}
