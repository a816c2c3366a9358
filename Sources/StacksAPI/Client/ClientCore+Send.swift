import HTTPTypes
import StacksTransport

extension ClientCore {
    /// Sends a request until it is answered with a 2xx, as often as the policy and the operation allow.
    ///
    /// What to do after a failure is decided by ``RetryDecision``, a pure value; here is the waiting, and nothing else:
    /// an async function pays for each of its temporaries with memory of its task, a synchronous one does not. For the
    /// same reason none of what is called here may become a part of it, nor it of its callers, and errors are thrown
    /// without their type: a place for one would be kept for as long as the call takes.
    @inline(never)
    func send(
        _ endpoint: Endpoint, path: CallPath, body: [UInt8]?, options: CallOptions
    ) async throws -> Exchange {
        let authorization = credentials.current
        var request = try request(endpoint, path: path.text, body: body, options: options, authorization)
        var call = pendingCall(endpoint, request, stack: path.stack, options: options, authorization)
        if authorization == nil { try await provideToken(for: &call, &request) }
        while true {
            while let delay = try begin(&call, &request) { try await wait(delay, &call) }
            let next: Continuation
            do {
                let answer = try await transport.send(request)
                if answer.status.kind == .successful { return succeeded(&call, answer) }
                next = refused(&call, answer)
            } catch {
                next = unanswered(&call, error, limit: request.limit)
            }
            switch next {
            case .wait(let delay): try await wait(delay, &call)
            case .renewToken(let refusal): try await renewToken(of: &call, &request, refusal)
            case .end(let error): throw error
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

    /// How a call goes on whose request did not succeed.
    private enum Continuation {
        case wait(Duration)
        /// With the refusal, which takes a pointer's room as `any Error`.
        case renewToken(any Error)
        case end(any Error)
    }

    @inline(never)
    private func request(
        _ endpoint: Endpoint, path: String, body: [UInt8]?, options: CallOptions, _ authorization: Authorization?
    ) throws -> TransportRequest {
        if let problem = options.retryPolicy?.problem { throw Argument.failure(problem, for: endpoint.operation) }
        if authorization == nil { try RequestFields.check(options.headerFields, for: endpoint.operation) }
        var request = TransportRequest(
            method: endpoint.method,
            origin: baseURL.origin,
            path: path,
            headerFields: try authorization?.fields.fields(
                hasBody: body != nil, adding: options.headerFields, for: endpoint.operation) ?? [:],
            body: body,
            replay: endpoint.repetition == .always ? .whenConnectionWasDead : .never
        )
        request.allowsPlaintextProxy = configuration.allowsInsecureHTTP
        return request
    }

    @inline(never)
    private func pendingCall(
        _ endpoint: Endpoint, _ request: TransportRequest, stack: String?, options: CallOptions,
        _ authorization: Authorization?
    ) -> PendingCall {
        PendingCall(
            endpoint: endpoint,
            decision: RetryDecision(
                policy: options.retryPolicy ?? configuration.retryPolicy,
                repetition: endpoint.repetition,
                deadline: options.absoluteDeadline(environment.now)
            ),
            number: log?.began(endpoint, request) ?? 0,
            authorization: authorization,
            extraFields: options.headerFields,
            stack: stack,
            trace: trace(of: endpoint, options)
        )
    }

    /// Makes the next request ready, unless the call's deadline has passed: how long to wait before asking again, or
    /// `nil` to send it.
    @inline(never)
    private func begin(
        _ call: inout PendingCall, _ request: inout TransportRequest
    ) throws -> Duration? {
        let now = environment.now()
        if call.began == nil { call.began = now }
        if let deadline = call.decision.deadline, deadline <= now {
            throw unsent(call, call.decision.expired(call.endpoint.operation), now)
        }
        if let turn = turn(of: &call, now) {
            if let deadline = call.decision.deadline, deadline <= turn {
                throw unsent(call, call.decision.wouldWait(call.endpoint.operation, now.duration(to: turn)), now)
            }
            return RateGovernor.sleep(until: turn, now: now)
        }
        let limit = now + configuration.requestTimeout
        request.limit = call.decision.deadline.map { min($0, limit) } ?? limit
        call.trace.sends(&request, call.endpoint, attempt: call.decision.attempts, to: baseURL)
        return nil
    }

    /// Ends a call whose request was answered with a 2xx.
    @inline(never)
    private func succeeded(_ call: inout PendingCall, _ answer: consuming TransportResponse) -> Exchange {
        let now = call.permit != nil || metrics != nil ? environment.now() : nil
        if let now { settle(call, answer, now) }
        foundSomething()
        call.trace.answered(answer)
        if let now { measure(call, .success, answer.metrics, now) }
        budget?.succeeded()
        let exchange = Exchange(
            answer: answer, attempts: call.decision.attempts, call: call.number, trace: call.trace,
            rateLimitWait: call.waited)
        log?.succeeded(exchange, call.endpoint)
        return exchange
    }

    /// What follows from an answer that is not a 2xx.
    @inline(never)
    private func refused(_ call: inout PendingCall, _ answer: TransportResponse) -> Continuation {
        if answer.status != .notFound { foundSomething() }
        settle(call, answer, environment.now())
        call.trace.answered(answer)
        let failure = failure(of: call.endpoint, answer: answer)
        if failure.code == .unauthorized, credentials.canRenew, !call.hasRenewedToken { return .renewToken(failure) }
        return next(&call, after: failure)
    }

    /// What follows from a request that got no answer.
    @inline(never)
    private func unanswered(_ call: inout PendingCall, _ error: any Error, limit: Moment?) -> Continuation {
        settle(call, error)
        call.trace.unanswered(error)
        if error is CancellationError {
            cancelled(call, attempts: call.decision.attempts)
            return .end(error)
        }
        var failure = failure(of: call.endpoint, thrown: error)
        if failure.underlying?.code == .timeout, let limit, limit <= environment.now(), limit != call.decision.deadline
        {
            failure.message += " One request may take \(configuration.requestTimeout)."
        }
        return next(&call, after: failure)
    }

    /// The end of a call, or a wait before its next request.
    private func next(_ call: inout PendingCall, after failure: StacksAPIError) -> Continuation {
        var generator = FunctionGenerator(bits: environment.randomBits)
        switch call.decision.next(after: failure, now: environment.now(), using: &generator, budget: budget) {
        case .giveUp(let error):
            if call.decision.budgetWasSpent { metrics?.budgetWasSpent(call.endpoint.operation) }
            return .end(failed(call, error))
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
