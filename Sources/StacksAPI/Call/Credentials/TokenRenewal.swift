import StacksTransport
import Synchronization

/// How a call gets its token: before its first request, and again when the server refuses it.
extension ClientCore {
    /// Gets the client's first token.
    func provideToken(for call: inout PendingCall, _ request: inout TransportRequest) async throws {
        let operation = call.operation
        let decision = call.decision
        let now = environment.now()
        call.record.began = now
        try decision.checkDeadline(now, for: operation)
        let authorization = try await token(after: nil, for: operation, by: decision.deadline) {
            decision.tokenWasLate(operation, attempts: 0)
        }
        try use(authorization, for: &call, &request)
    }

    /// Gets another token for a call whose token was refused, once; `refusal` is thrown when there is no other.
    func renewToken(
        of call: inout PendingCall, _ request: inout TransportRequest, _ refusal: StacksAPIError
    ) async throws {
        let operation = call.operation
        let decision = call.decision
        do {
            let authorization = try await token(after: call.authorization, for: operation, by: decision.deadline) {
                decision.tokenWasLate(operation, attempts: decision.attempt)
            }
            guard authorization.token != call.authorization?.token else { throw refusal }
            try use(authorization, for: &call, &request)
            call.hasRenewedToken = true
        } catch var error as StacksAPIError {
            error.attempts = call.decision.attempt
            error.mayHaveTakenEffect = error.mayHaveTakenEffect || decision.mayHaveTakenEffect
            throw error
        }
    }

    private func use(
        _ authorization: Authorization, for call: inout PendingCall, _ request: inout TransportRequest
    ) throws(StacksAPIError) {
        call.authorization = authorization
        request.headerFields = try authorization.fields.fields(
            hasBody: request.body != nil, adding: call.extraFields, for: call.operation)
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

/// Requests tokens from the provider. Calls that need one at the same time share one request.
extension Credentials {
    /// The result of a request that another call made.
    enum Outcome: Sendable {
        case renewed(Authorization)
        case failed(StacksAPIError)
        /// The call that made the request was cancelled: make another.
        case abandoned
    }

    /// A provider's token that cannot be sent.
    private struct UnusableToken: Error {
        let problem: String
    }

    private enum Turn {
        case have(Authorization)
        case ask
        case wait
    }

    /// The token to use instead of one that the server refused; the same one when the provider returns it again.
    ///
    /// - Parameter refused: `nil` when there was none yet.
    /// - Throws: ``StacksAPIError`` when the provider failed, `CancellationError`.
    func renewed(after refused: Authorization?, for operation: StacksOperation) async throws -> Authorization {
        while true {
            try Task.checkCancellation()
            let turn: Turn = state.withLock { state in
                // Another call may have renewed it while this call's request was under way.
                if let current = state.current, current.token != refused?.token { return .have(current) }
                if state.isAsking { return .wait }
                state.isAsking = true
                return .ask
            }
            switch turn {
            case .have(let authorization): return authorization
            case .ask: return try await ask(for: operation)
            case .wait:
                switch await outcomeOfOther() {
                case .renewed(let authorization): return authorization
                case .failed(var error):
                    error.operation = operation
                    throw error
                case .abandoned: continue
                }
            }
        }
    }

    private func ask(for operation: StacksOperation) async throws -> Authorization {
        do {
            // The call may run on the transport's I/O thread, which a provider that blocks would hold up.
            let token = try await withTaskExecutorPreference(globalConcurrentExecutor) { try await provider.token() }
            let text = AgentTokenText(token)
            redaction.learn(text.token)
            if let problem = text.problem { throw UnusableToken(problem: problem) }
            note(text)
            let authorization = Authorization(token: text.token, userAgentPrefixes: userAgentPrefixes)
            end(.renewed(authorization))
            return authorization
        } catch  where Task.isCancelled {
            // Whatever a cancelled provider throws says nothing about the token.
            end(.abandoned)
            throw CancellationError()
        } catch let error as UnusableToken {
            let error = StacksAPIError(
                code: .unauthorized, operation: operation,
                message: "The token provider returned a token that cannot be sent: it \(error.problem).")
            end(.failed(error))
            throw error
        } catch is CancellationError {
            end(.abandoned)
            throw CancellationError()
        } catch {
            let error = StacksAPIError(
                code: .unauthorized, operation: operation,
                message: "The token provider threw \(type(of: error)).")
            end(.failed(error))
            throw error
        }
    }

    private func end(_ outcome: Outcome) {
        let waiters = state.withLock { state in
            state.isAsking = false
            if case .renewed(let authorization) = outcome { state.current = authorization }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: outcome) }
    }

    /// Waits for the request that another call made.
    private func outcomeOfOther() async -> Outcome {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Checked under the lock: neither a result nor a cancellation just before is missed.
                let mustWait = state.withLock { state in
                    guard state.isAsking, !Task.isCancelled else { return false }
                    state.waiters[id] = continuation
                    return true
                }
                if !mustWait { continuation.resume(returning: .abandoned) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: .abandoned)
        }
    }
}
