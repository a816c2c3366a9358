import HTTPTypes
import StacksTransport

/// How any call is made, from the first request to its one end.
///
/// The steps are functions of their own, never inlined: an async function's frame has room for the variables of all its
/// steps, and for the copies that the compiler makes of them, for as long as the call takes.
extension ClientCore {
    /// Makes a call whose response is a JSON document.
    func perform<Value: Sendable>(
        _ target: CallTarget,
        body: [UInt8]? = nil,
        options: CallOptions,
        decode: (inout JSONReader) throws(JSONError) -> Value
    ) async throws -> StacksResponse<Value> {
        try complete(try await send(target, body: body, options: options)) { (body) throws(JSONError) in
            try JSONReader.read(body, decode)
        }
    }

    /// Makes a call whose response has no value: a body, if there is one, is not read.
    func perform(
        _ target: CallTarget, body: [UInt8]? = nil, options: CallOptions
    ) async throws -> StacksResponse<NoContent> {
        try complete(try await send(target, body: body, options: options)) { _ in NoContent() }
    }

    /// Sends requests until one gets a 2xx response, as often as the policy and the operation allow.
    ///
    /// ``RetryDecision``, a pure value, says what to do after a failure; this function only sends.
    @inline(never)
    private func send(
        _ target: CallTarget, body: [UInt8]?, options: CallOptions
    ) async throws -> ReceivedResponse {
        let authorization = credentials.current
        var request = try request(to: target, body: body, options: options, authorization)
        var call = pendingCall(target, options: options, authorization)
        do {
            if authorization == nil { try await provideToken(for: &call, &request) }
            while true {
                while let delay = try begin(&call, &request) { try await environment.sleep(delay) }
                let response: TransportResponse
                do {
                    response = try await transport.send(request)
                } catch {
                    try await waitForRetry(of: &call, request, after: error)
                    continue
                }
                if response.status.kind == .successful { return received(&call, response) }
                try await waitForRetry(of: &call, &request, after: response)
            }
        } catch {
            throw end(&call, error)
        }
    }

    // MARK: Before the first request

    @inline(never)
    private func request(
        to target: CallTarget, body: [UInt8]?, options: CallOptions, _ authorization: Authorization?
    ) throws -> TransportRequest {
        let definition = target.definition
        let operation = definition.operation
        if let problem = options.retryPolicy?.problem { throw Argument.failure(problem, for: operation) }
        if authorization == nil { try RequestFields.check(options.headerFields, for: operation) }
        var request = TransportRequest(
            method: definition.method,
            origin: baseURL.origin,
            path: target.path,
            headerFields: try authorization?.fields.fields(
                hasBody: body != nil, adding: options.headerFields, for: operation) ?? [:],
            body: body,
            replay: definition.repetition == .always ? .whenConnectionWasDead : .never
        )
        request.allowsPlaintextProxy = configuration.allowsInsecureHTTP
        return request
    }

    @inline(never)
    private func pendingCall(
        _ target: CallTarget, options: CallOptions, _ authorization: Authorization?
    ) -> PendingCall {
        let definition = target.definition
        return PendingCall(
            record: CallRecord(
                definition: definition, number: log?.nextNumber() ?? 0, stack: target.stack, job: target.job,
                trace: trace(of: definition, options)),
            decision: RetryDecision(
                policy: options.retryPolicy ?? configuration.retryPolicy,
                repetition: definition.repetition,
                deadline: deadline(of: options),
                waitsOutProxies: options.waitsOutProxies
            ),
            authorization: authorization,
            extraFields: options.headerFields,
            isBatch: options.isBatch,
            pacing: pacing(of: target)
        )
    }

    /// `nil` when nothing paces the call: pacing is off, or its operation has no rate limit of a stack.
    private func pacing(of target: CallTarget) -> PacedCall? {
        guard let governor, let scope = target.definition.rateScope, target.stack != nil else { return nil }
        // `if let` would copy the optional string with a call into the runtime.
        return PacedCall(target.definition.operation, scope, stack: target.stack!, governor: governor)
    }

    /// The earlier of a call's deadline and the end of its time-out.
    func deadline(of options: CallOptions) -> Moment? {
        guard let timeout = options.timeout else { return options.deadlineMoment }
        let end = environment.now() + timeout
        return options.deadlineMoment.map { min($0, end) } ?? end
    }

    // MARK: Each request

    /// Prepares the next request.
    ///
    /// - Returns: `nil` when it may be sent now, otherwise how long to sleep before calling this again.
    /// - Throws: The error of the call when its deadline comes first.
    @inline(never)
    private func begin(
        _ call: inout PendingCall, _ request: inout TransportRequest
    ) throws -> Duration? {
        let now = environment.now()
        if call.record.began == nil { call.record.began = now }
        try call.decision.checkDeadline(now, for: call.operation)
        if let turn = call.pacing?.turn(now: now) {
            if let deadline = call.decision.deadline, deadline <= turn {
                throw call.decision.wouldWait(call.operation, now.duration(to: turn))
            }
            return RateGovernor.sleep(until: turn, now: now)
        }
        if call.requests == 0 { log?.sends(request, of: call.record) }
        call.record.waited = call.pacing?.waited ?? .zero
        let limit = now + configuration.requestTimeout
        request.deadlineMoment = call.decision.deadline.map { min($0, limit) } ?? limit
        call.requests = call.decision.attempt
        call.record.trace.sends(&request, call.record.definition, attempt: call.requests, to: baseURL)
        return nil
    }

    /// Takes a 2xx response. The call ends when its body is decoded.
    @inline(never)
    private func received(_ call: inout PendingCall, _ response: TransportResponse) -> ReceivedResponse {
        learnRateLimit(of: &call, from: response)
        sawStatusOtherThan404()
        call.record.trace.received(response)
        return ReceivedResponse(call: call.record, response: response, attempts: call.requests)
    }

    /// Returns when the request may be sent again after a response that is not a 2xx.
    ///
    /// - Throws: The error of the call when it ends with that response.
    @inline(never)
    private func waitForRetry(
        of call: inout PendingCall, _ request: inout TransportRequest, after response: TransportResponse
    ) async throws {
        if response.status != .notFound { sawStatusOtherThan404() }
        learnRateLimit(of: &call, from: response)
        call.record.trace.received(response)
        let refusal = failure(of: call.record.definition, refusedWith: response)
        if refusal.code == .unauthorized, credentials.canRenew, !call.hasRenewedToken {
            try await renewToken(of: &call, &request, refusal)
            call.decision.countTokenRetry()
            report(call, refusal, after: .zero)
        } else {
            try await environment.sleep(try delay(of: &call, after: refusal))
        }
    }

    /// Returns when the request may be sent again after it got no response.
    ///
    /// - Throws: The error of the call when it ends with that failure.
    @inline(never)
    private func waitForRetry(
        of call: inout PendingCall, _ request: TransportRequest, after error: any Error
    ) async throws {
        call.pacing?.failed(
            mayHaveReachedServer: (error as? TransportError)?.mayHaveReachedServer ?? true, now: environment.now())
        call.record.trace.requestFailed(error)
        if error is CancellationError { throw error }
        var failure = failure(of: call.record.definition, thrown: error)
        if failure.underlying?.code == .timeout, let deadline = request.deadlineMoment, deadline <= environment.now(),
            deadline != call.decision.deadline
        {
            failure.message += " The limit for one request is \(configuration.requestTimeout)."
        }
        try await environment.sleep(try delay(of: &call, after: failure))
    }

    private func learnRateLimit(of call: inout PendingCall, from response: TransportResponse) {
        call.pacing?.received(
            response, longestPause: call.decision.policy.maximumRetryAfter, now: environment.now())
    }

    /// How long to wait before the next request.
    ///
    /// - Throws: The error of the call when there is none.
    private func delay(of call: inout PendingCall, after failure: StacksAPIError) throws -> Duration {
        var generator = FunctionGenerator(bits: environment.randomBits)
        let now = environment.now()
        let pause = call.pacing?.pause(now: now) ?? .zero
        switch call.decision.next(after: failure, now: now, using: &generator, budget: budget, pause: pause) {
        case .giveUp(let error):
            if call.decision.budgetWasSpent { metrics?.budgetWasSpent(call.operation) }
            throw error
        case .wait(let delay):
            report(call, failure, after: delay)
            return delay
        }
    }

    /// Logs and counts a failure that is followed by a retry.
    private func report(_ call: PendingCall, _ failure: StacksAPIError, after delay: Duration) {
        log?.retries(call.record, failure, attempt: call.requests, after: delay)
        metrics?.retries(call.operation, after: failure.code)
    }

    // MARK: The end

    /// Decodes the body of a response and ends its call.
    @inline(never)
    private func complete<Value: Sendable>(
        _ received: ReceivedResponse, _ decode: ([UInt8]) throws(JSONError) -> Value
    ) throws -> StacksResponse<Value> {
        do throws(JSONError) {
            let value = try decode(received.response.body)
            end(received)
            return received.with(value)
        } catch {
            let error = failure(decoding: received, error)
            end(received.call, .unreadable(received, error))
            throw error
        }
    }

    /// Ends a call that got no 2xx response.
    ///
    /// - Returns: What it throws.
    @inline(never)
    private func end(_ call: inout PendingCall, _ error: any Error) -> any Error {
        call.pacing?.leave(now: environment.now())
        call.record.waited = call.pacing?.waited ?? .zero
        end(call.record, CallOutcome(error, requests: call.requests))
        return call.isBatch && error is CancellationError ? CancelledBatch(requests: call.requests) : error
    }

    // A call ends in one of the next two functions, which are the only ones that count it, credit the retry budget and log
    // it. A success has one of its own, because an outcome that holds a response is copied. The batches of a long list and
    // the requests of a finish each end here. The span around them ends in `wholeCall`.

    /// Ends a call whose response was read.
    private func end(_ received: ReceivedResponse) {
        if let began = received.call.began {
            metrics?.succeeded(received, after: began.nanoseconds(to: environment.now()))
        }
        budget?.succeeded()
        log?.succeeded(received)
        received.call.trace.succeeded(attempts: received.attempts, rateLimitWait: received.call.waited)
    }

    /// Ends any other call.
    private func end(_ call: CallRecord, _ outcome: CallOutcome) {
        if let began = call.began {
            metrics?.ended(call, outcome, after: began.nanoseconds(to: environment.now()))
        }
        switch outcome {
        case .unreadable(let received, let error):
            log?.failed(call, error, body: received.response.body)
            call.trace.failed(error)
        case .failure(let error):
            log?.failed(call, error, body: error.body)
            call.trace.failed(error)
        case .cancelled(let requests):
            log?.cancelled(call, requests: requests)
            call.trace.failed(CancellationError())
        }
    }
}
