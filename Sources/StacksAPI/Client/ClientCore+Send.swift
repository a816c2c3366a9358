import HTTPTypes
import StacksTransport

extension ClientCore {
    /// Sends requests until one gets a 2xx response, as often as the policy and the operation allow.
    ///
    /// ``RetryDecision``, a pure value, says what to do after a failure; this function only waits and sends, because an
    /// async function keeps memory of its task for each of its temporaries and a synchronous one does not. For the same
    /// reason the functions it calls must not be inlined, nor may it be, and errors are thrown untyped: room for a typed
    /// one would be kept for as long as the call takes.
    @inline(never)
    func send(
        _ endpoint: Endpoint, path: CallPath, body: [UInt8]?, options: CallOptions
    ) async throws -> ReceivedResponse {
        let authorization = credentials.current
        var request = try request(endpoint, path: path.text, body: body, options: options, authorization)
        var call = pendingCall(endpoint, request, stack: path.stack, options: options, authorization)
        do {
            if authorization == nil { try await provideToken(for: &call, &request) }
            while true {
                while let delay = try begin(&call, &request) { try await environment.sleep(delay) }
                let next: Continuation
                do {
                    let response = try await transport.send(request)
                    if response.status.kind == .successful { return received(&call, response) }
                    next = refused(&call, response)
                } catch {
                    next = unanswered(&call, error, limit: request.limit)
                }
                switch next {
                case .wait(let delay): try await environment.sleep(delay)
                case .renewToken(let refusal):
                    try await renewToken(of: &call, &request, refusal)
                    repeats(&call, after: refusal)
                case .end(let error): throw error
                }
            }
        } catch {
            end(call, error)
            throw error
        }
    }

    /// What follows a request that did not succeed.
    private enum Continuation {
        case wait(Duration)
        /// With the refusal, which takes a pointer's room as `any Error`.
        case renewToken(any Error)
        case end(any Error)
    }

    // MARK: Before the first request

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
            record: CallRecord(
                endpoint: endpoint, number: log?.began(endpoint, request) ?? 0, trace: trace(of: endpoint, options)),
            decision: RetryDecision(
                policy: options.retryPolicy ?? configuration.retryPolicy,
                repetition: endpoint.repetition,
                deadline: options.absoluteDeadline(environment.now),
                waitsOutProxies: options.waitsOutProxies
            ),
            authorization: authorization,
            extraFields: options.headerFields,
            stack: stack
        )
    }

    // MARK: Each request

    /// Prepares the next request, unless the call's deadline has passed: how long to wait before asking again, or `nil`
    /// to send it.
    @inline(never)
    private func begin(
        _ call: inout PendingCall, _ request: inout TransportRequest
    ) throws -> Duration? {
        let now = environment.now()
        if call.record.began == nil { call.record.began = now }
        if let deadline = call.decision.deadline, deadline <= now {
            throw call.decision.expired(call.endpoint.operation)
        }
        if let turn = turn(of: &call, now) {
            if let deadline = call.decision.deadline, deadline <= turn {
                throw call.decision.wouldWait(call.endpoint.operation, now.duration(to: turn))
            }
            return RateGovernor.sleep(until: turn, now: now)
        }
        let limit = now + configuration.requestTimeout
        request.limit = call.decision.deadline.map { min($0, limit) } ?? limit
        call.requests = call.decision.attempts
        call.record.trace.sends(&request, call.endpoint, attempt: call.requests, to: baseURL)
        return nil
    }

    /// Takes a 2xx response. The call ends when its body is decoded.
    @inline(never)
    private func received(_ call: inout PendingCall, _ response: consuming TransportResponse) -> ReceivedResponse {
        if call.permit != nil { settle(call, response, environment.now()) }
        foundSomething()
        call.record.trace.answered(response)
        return ReceivedResponse(response, to: call.record, attempts: call.requests)
    }

    /// What follows a response that is not a 2xx.
    @inline(never)
    private func refused(_ call: inout PendingCall, _ response: TransportResponse) -> Continuation {
        if response.status != .notFound { foundSomething() }
        settle(call, response, environment.now())
        call.record.trace.answered(response)
        let failure = failure(of: call.endpoint, answer: response)
        if failure.code == .unauthorized, credentials.canRenew, !call.hasRenewedToken { return .renewToken(failure) }
        return next(&call, after: failure)
    }

    /// What follows a request that got no response.
    @inline(never)
    private func unanswered(_ call: inout PendingCall, _ error: any Error, limit: Moment?) -> Continuation {
        settle(call, error)
        call.record.trace.unanswered(error)
        if error is CancellationError { return .end(error) }
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
        let now = environment.now()
        // Not in the call below, which has exclusive access to the decision.
        let pause = pause(before: call, now)
        switch call.decision.next(after: failure, now: now, using: &generator, budget: budget, pause: pause) {
        case .giveUp(let error):
            if call.decision.budgetWasSpent { metrics?.budgetWasSpent(call.endpoint.operation) }
            return .end(error)
        case .wait(let delay):
            retries(call, failure, attempt: call.decision.attempts, after: delay)
            return .wait(delay)
        }
    }

    /// Counts the repetition of a request whose token was refused.
    @inline(never)
    private func repeats(_ call: inout PendingCall, after refusal: any Error) {
        call.decision.countRepetition()
        if let refusal = refusal as? StacksAPIError {
            retries(call, refusal, attempt: call.decision.attempts, after: .zero)
        }
    }

    /// Ends a call that got no 2xx response. A request that waits for the rate limit gives up its place.
    @inline(never)
    private func end(_ call: borrowing PendingCall, _ error: any Error) {
        if call.waitsSince != nil, let permit = call.permit { governor?.leave(permit, now: environment.now()) }
        end(call.record, CallOutcome(error, requests: call.requests))
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
