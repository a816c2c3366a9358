import Logging
import Synchronization

/// A token with what is made of it. An object, because every call keeps it for its own length.
final class Authorization: Sendable {
    let token: Secret
    let fields: RequestFields

    init(token: Secret, fields: RequestFields) {
        self.token = token
        self.fields = fields
    }
}

/// The client's token and where the next one comes from. It owns both.
final class Credentials: Sendable {
    private enum Source: Sendable {
        case fixed(Authorization)
        case provider(TokenProvider)
    }

    private struct State {
        var current: Authorization?
        var isAsking = false
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Outcome, Never>] = [:]
    }

    /// What came of a question that somebody else asked.
    private enum Outcome: Sendable {
        case answered(Authorization)
        case failed(StacksAPIError)
        /// Whoever asked was cancelled: ask again.
        case abandoned
    }

    private let source: Source
    private let userAgentPrefixes: [String]
    private let redaction: Redaction
    private let logger: Logger?
    private let state = Mutex(State())

    /// - Parameter logger: What is told of a token that is not used as it was given.
    init(
        _ token: TokenSource, userAgentPrefixes: [String], redaction: Redaction, logger: Logger?
    ) throws(StacksAPIError) {
        self.userAgentPrefixes = userAgentPrefixes
        self.redaction = redaction
        self.logger = logger
        switch token {
        case .fixed(let token):
            let text = AgentTokenText(token)
            if let problem = text.problem { throw Argument.failure("The agent token \(problem).", for: nil) }
            source = .fixed(
                Authorization(
                    token: text.token,
                    fields: try RequestFields(token: text.token, userAgentPrefixes: userAgentPrefixes)))
            redaction.learn(text.token)
            note(text)
        case .provided(let provider):
            // The prefixes are checked now, with a token that goes nowhere.
            _ = try RequestFields(token: Secret("none"), userAgentPrefixes: userAgentPrefixes)
            source = .provider(provider)
        }
    }

    private func note(_ text: AgentTokenText) {
        if text.endedWithLineEnd { logger?.debug("The agent token ended with a line end, which is not part of it") }
    }

    /// Whether a token that was refused can be replaced.
    var canRenew: Bool {
        if case .provider = source { true } else { false }
    }

    /// The token to use, or `nil` when it has to be asked for first.
    var current: Authorization? {
        switch source {
        case .fixed(let authorization): authorization
        case .provider: state.withLock { $0.current }
        }
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

    /// The token to use instead of one that the server refused; the same one when there is no other.
    ///
    /// - Parameter refused: `nil` when there was none yet.
    /// - Throws: ``StacksAPIError`` when the provider failed, `CancellationError`.
    func renewed(after refused: Authorization?, for operation: StacksOperation) async throws -> Authorization {
        let provider: TokenProvider
        switch source {
        case .fixed(let authorization): return authorization
        case .provider(let it): provider = it
        }
        while true {
            try Task.checkCancellation()
            let turn: Turn = state.withLock { state in
                // Another call may have replaced it while this one's request was under way.
                if let current = state.current, current.token != refused?.token { return .have(current) }
                if state.isAsking { return .wait }
                state.isAsking = true
                return .ask
            }
            switch turn {
            case .have(let authorization): return authorization
            case .ask: return try await ask(provider, for: operation)
            case .wait:
                switch await outcomeOfOther() {
                case .answered(let authorization): return authorization
                case .failed(var error):
                    error.operation = operation
                    throw error
                case .abandoned: continue
                }
            }
        }
    }

    private func ask(_ provider: TokenProvider, for operation: StacksOperation) async throws -> Authorization {
        do {
            let text = AgentTokenText(try await provider.token())
            redaction.learn(text.token)
            if let problem = text.problem { throw UnusableToken(problem: problem) }
            note(text)
            let authorization = Authorization(
                token: text.token, fields: try RequestFields(token: text.token, userAgentPrefixes: userAgentPrefixes))
            end(.answered(authorization))
            return authorization
        } catch  where Task.isCancelled {
            // Whatever a provider throws that was cut off: it says nothing of the token.
            end(.abandoned)
            throw CancellationError()
        } catch let error as UnusableToken {
            let error = StacksAPIError(
                code: .unauthorized, operation: operation,
                message: "The token provider's token is no token: it \(error.problem).")
            end(.failed(error))
            throw error
        } catch is CancellationError {
            end(.abandoned)
            throw CancellationError()
        } catch {
            let error = StacksAPIError(
                code: .unauthorized, operation: operation,
                message: "The token provider failed with \(type(of: error)).")
            end(.failed(error))
            throw error
        }
    }

    private func end(_ outcome: Outcome) {
        let waiters = state.withLock { state in
            state.isAsking = false
            if case .answered(let authorization) = outcome { state.current = authorization }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: outcome) }
    }

    /// Waits for the question that is under way.
    private func outcomeOfOther() async -> Outcome {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Looked at under the lock: neither an answer nor a cancellation that came just before is missed.
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
