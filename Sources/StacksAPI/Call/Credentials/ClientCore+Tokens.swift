import StacksTransport

/// How a call gets its token: before its first request, and again when the server refuses it.
extension ClientCore {
    /// Gets the client's first token.
    func provideToken(for call: inout PendingCall, _ request: inout TransportRequest) async throws {
        let operation = call.operation.name
        let decision = call.decision
        let now = environment.now()
        call.record.began = now
        if let deadline = decision.deadline, deadline <= now { throw decision.expired(operation) }
        let authorization = try await token(after: nil, for: operation, by: decision.deadline) {
            decision.tokenWasLate(operation, attempts: 0)
        }
        try use(authorization, for: &call, &request)
    }

    /// Gets another token for a call whose token was refused, once; `refusal` is thrown when there is no other.
    func renewToken(
        of call: inout PendingCall, _ request: inout TransportRequest, _ refusal: StacksAPIError
    ) async throws {
        let operation = call.operation.name
        let decision = call.decision
        do {
            let authorization = try await token(after: call.authorization, for: operation, by: decision.deadline) {
                decision.tokenWasLate(operation, attempts: decision.attempts)
            }
            guard authorization.token != call.authorization?.token else { throw refusal }
            try use(authorization, for: &call, &request)
            call.hasRenewedToken = true
        } catch var error as StacksAPIError {
            error.attempts = call.decision.attempts
            error.mayHaveTakenEffect = error.mayHaveTakenEffect || decision.mayHaveTakenEffect
            throw error
        }
    }

    private func use(
        _ authorization: Authorization, for call: inout PendingCall, _ request: inout TransportRequest
    ) throws(StacksAPIError) {
        call.authorization = authorization
        request.headerFields = try authorization.fields.fields(
            hasBody: request.body != nil, adding: call.extraFields, for: call.operation.name)
    }

    /// The token to use instead of `refused`; throws `late` at the deadline and cancels the request to the provider.
    /// Other calls that wait for it then make a request of their own.
    private func token(
        after refused: Authorization?, for operation: StacksOperation, by deadline: Moment?,
        late: @escaping @Sendable () -> StacksAPIError
    ) async throws -> Authorization {
        guard let deadline else { return try await credentials.renewed(after: refused, for: operation) }
        let (credentials, environment) = (credentials, environment)
        return try await withThrowingTaskGroup(of: Authorization.self) { group in
            group.addTask { try await credentials.renewed(after: refused, for: operation) }
            group.addTask {
                try await environment.sleep(environment.now().duration(to: deadline))
                throw late()
            }
            defer { group.cancelAll() }
            guard let authorization = try await group.next() else { throw CancellationError() }
            return authorization
        }
    }
}
