extension StacksClient {
    /// Issues tokens with which an agent can register and acquire one job each. It is safe to repeat: that issues
    /// another token.
    ///
    /// More than 1000 jobs are sent in several requests, some at the same time; see ``StacksResponse/failedBatches``.
    ///
    /// - Parameters:
    ///   - jobs: Jobs that this stack reserved, at least one.
    ///   - stack: The stack's key.
    ///   - lifetime: How long the tokens hold, 1 to 3600 whole seconds; the server's choice when left out. They end
    ///     with the reservation in any case.
    ///   - options: What this call does otherwise than the client.
    /// - Returns: The tokens, and the jobs that got none. A token that no agent could be given, because it is empty or
    ///   holds anything but visible ASCII characters, counts as not issued.
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
