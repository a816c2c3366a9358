extension StacksClient {
    /// Issues tokens with which an agent can register and acquire one job each. It is safe to repeat: that issues
    /// another token.
    ///
    /// More than 1000 jobs take several requests, some at the same time; see ``StacksResponse/failedBatches``.
    ///
    /// - Parameters:
    ///   - jobs: Jobs that this stack has reserved, at least one.
    ///   - stack: The stack's key.
    ///   - lifetime: When the tokens expire, after 1 to 3600 whole seconds; the server's default when left out. They
    ///     expire with the reservation at the latest.
    ///   - options: Options of this call.
    /// - Returns: The tokens, and the jobs without one. A token that is empty or contains anything but visible ASCII
    ///   characters is unusable for an agent and counts as not issued.
    /// - Throws: ``StacksAPIError``.
    public func issueJobAcquisitionTokens(
        for jobs: [JobID],
        stack: String,
        lifetime: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<JobAcquisitionTokens> {
        let operation = StacksOperation.issueJobAcquisitionTokens
        try Argument.check(stackKey: stack, jobs: jobs, for: operation)
        let seconds = try Argument.seconds(lifetime, named: "token lifetime", for: operation)
        let response = try await core.performInBatches(
            core.target(operation, stack: stack), jobs: jobs, request: .acquisitionTokens(lifetime: seconds),
            options: options, decode: JobAcquisitionTokens.read
        ) { parts in
            JobAcquisitionTokens(issued: parts.flatMap(\.issued), notIssued: parts.flatMap(\.notIssued))
        }
        return response.map(\.usable)
    }
}
