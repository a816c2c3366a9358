import HTTPTypes
import StacksTransport

extension ClientCore {
    /// Sends a request until it is answered with a 2xx, as often as the policy and the operation allow.
    ///
    /// What to do after a failure is decided by ``RetryDecision``, a pure value; here is the waiting, and nothing else:
    /// an async function pays for each of its temporaries with memory of its task, a synchronous one does not. For the
    /// same reason none of what is called here may become a part of it, nor it of its callers.
    @inline(never)
    func send(
        _ endpoint: Endpoint, path: CallPath, body: [UInt8]?, options: CallOptions
    ) async throws -> Exchange {
        let authorization = credentials.current
        let hand = try prepare(endpoint, path: path, body: body, options: options, authorization)
        if authorization == nil { try await provideToken(for: &hand.call) }
        while true {
            while let delay = try begin(hand) { try await wait(delay, &hand.call) }
            let conclusion: Conclusion
            do {
                conclusion = conclude(hand, answer: try await transport.send(hand.call.request))
            } catch {
                conclusion = conclude(hand, failure: error)
            }
            switch conclusion {
            case .done(let exchange):
                return exchange
            case .failed(let error):
                throw error
            case .wait(let delay):
                try await wait(delay, &hand.call)
            case .renewToken:
                try await renewToken(of: &hand.call)
            }
        }
    }

    /// Sleeps before the next request of a call.
    @inline(never)
    private func wait(_ delay: Duration, _ call: inout PendingCall) async throws {
        do {
            try await environment.sleep(delay)
        } catch {
            if call.waitsSince != nil, let permit = call.permit { governor?.leave(permit, now: environment.now()) }
            cancelled(call, attempts: call.decision.attempts - 1)
            throw error
        }
    }

    private enum Conclusion {
        case done(Exchange)
        case failed(any Error)
        case wait(Duration)
        case renewToken
    }

    @inline(never)
    private func prepare(
        _ endpoint: Endpoint, path: CallPath, body: [UInt8]?, options: CallOptions,
        _ authorization: Authorization?
    ) throws -> CallInHand {
        if let problem = options.retryPolicy?.problem { throw Argument.failure(problem, for: endpoint.operation) }
        if authorization == nil { try RequestFields.check(options.headerFields, for: endpoint.operation) }
        let request = TransportRequest(
            method: endpoint.method,
            origin: baseURL.origin,
            path: path.text,
            headerFields: try authorization?.fields.fields(
                hasBody: body != nil, adding: options.headerFields, for: endpoint.operation) ?? [:],
            body: body,
            replay: endpoint.repetition == .always ? .whenConnectionWasDead : .never
        )
        return CallInHand(
            PendingCall(
                endpoint: endpoint,
                request: request,
                decision: RetryDecision(
                    policy: options.retryPolicy ?? configuration.retryPolicy,
                    repetition: endpoint.repetition,
                    deadline: options.absoluteDeadline(environment.now)
                ),
                number: log?.began(endpoint, request) ?? 0,
                authorization: authorization,
                extraFields: options.headerFields,
                stack: path.stack,
                began: metrics == nil ? nil : environment.now(),
                trace: trace(of: endpoint, options)
            ))
    }

    /// Makes the next request ready, unless the call's deadline has passed: how long to wait before asking again, or
    /// `nil` to send it.
    @inline(never)
    private func begin(_ hand: CallInHand) throws -> Duration? {
        try begin(&hand.call)
    }

    private func begin(_ call: inout PendingCall) throws -> Duration? {
        let now = environment.now()
        if let deadline = call.decision.deadline, deadline <= now {
            throw refused(call, call.decision.expired(call.endpoint.operation), now)
        }
        if let turn = turn(of: &call, now) {
            if let deadline = call.decision.deadline, deadline <= turn {
                throw refused(call, call.decision.wouldWait(call.endpoint.operation, now.duration(to: turn)), now)
            }
            return RateGovernor.sleep(until: turn, now: now)
        }
        let limit = now + configuration.requestTimeout
        call.request.limit = call.decision.deadline.map { min($0, limit) } ?? limit
        call.trace.sends(&call.request, call.endpoint, attempt: call.decision.attempts, to: baseURL)
        return nil
    }

    /// What follows from an answer.
    @inline(never)
    private func conclude(_ hand: CallInHand, answer: TransportResponse) -> Conclusion {
        conclude(&hand.call, .success(answer))
    }

    /// What follows from a failure.
    @inline(never)
    private func conclude(_ hand: CallInHand, failure: any Error) -> Conclusion {
        conclude(&hand.call, .failure(failure))
    }

    /// The end of the call, or a wait before the next request.
    private func conclude(
        _ call: inout PendingCall, _ outcome: Result<TransportResponse, any Error>
    ) -> Conclusion {
        settle(call, outcome)
        call.trace.answered(outcome)
        var failure: StacksAPIError
        switch outcome {
        case .success(let answer) where answer.status.kind == .successful:
            return .done(succeeded(call, answer))
        case .success(let answer):
            failure = self.failure(of: call.endpoint, answer: answer)
            if failure.code == .unauthorized, credentials.canRenew, !call.hasRenewedToken {
                call.refusal = failure
                return .renewToken
            }
        case .failure(let error as CancellationError):
            cancelled(call, attempts: call.decision.attempts)
            return .failed(error)
        case .failure(let error):
            failure = self.failure(of: call.endpoint, thrown: error)
            if failure.underlying?.code == .timeout, let limit = call.request.limit, limit <= environment.now(),
                limit != call.decision.deadline
            {
                failure.message += " One request may take \(configuration.requestTimeout)."
            }
        }
        var generator = FunctionGenerator(bits: environment.randomBits)
        switch call.decision.next(after: failure, now: environment.now(), using: &generator, budget: budget) {
        case .giveUp(let error):
            if call.decision.budgetWasSpent { metrics?.budgetWasSpent(call.endpoint.operation) }
            return .failed(failed(call, error))
        case .wait(let delay):
            retries(call, failure, attempt: call.decision.attempts, after: delay)
            return .wait(delay)
        }
    }
}

extension CallOptions {
    /// The earlier of deadline and time-out.
    func absoluteDeadline(_ now: () -> Moment) -> Moment? {
        guard let timeout else { return limit }
        let end = now() + timeout
        return limit.map { min($0, end) } ?? end
    }
}
