import HTTPTypes
import StacksTransport

/// How any call is made, from the first request to its one end.
extension ClientCore {
    /// Makes a call whose response is a JSON document.
    func perform<Value: Sendable>(
        _ target: CallTarget,
        body: [UInt8]? = nil,
        options: CallOptions,
        decode: (inout JSONReader) throws(JSONError) -> Value
    ) async throws -> StacksResponse<Value> {
        try decoded(try await send(target, body: body, options: options), decode)
    }

    /// Makes a call whose response has no value: a body, if there is one, is not read.
    func perform(
        _ target: CallTarget, body: [UInt8]? = nil, options: CallOptions
    ) async throws -> StacksResponse<NoContent> {
        let received = try await send(target, body: body, options: options)
        end(received.call, .success(received))
        return received.with(NoContent())
    }

    /// Sends requests until one gets a 2xx response, as often as the policy and the operation allow.
    ///
    /// ``RetryDecision``, a pure value, says what to do after a failure; this function only waits and sends.
    private func send(
        _ target: CallTarget, body: [UInt8]?, options: CallOptions
    ) async throws -> ReceivedResponse {
        let authorization = credentials.current
        var request = try request(to: target, body: body, options: options, authorization)
        var call = pendingCall(target, options: options, authorization)
        do {
            if authorization == nil { try await provideToken(for: &call, &request) }
            log?.sends(request, of: call.record)
            while true {
                while let delay = try begin(&call, &request) { try await environment.sleep(delay) }
                let next: Continuation
                do {
                    let response = try await transport.send(request)
                    if response.status.kind == .successful { return received(&call, response) }
                    next = refused(&call, response)
                } catch {
                    next = failed(&call, error, limit: request.limit)
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
            if call.isPart, error is CancellationError { throw CancelledPart(requests: call.requests) }
            throw error
        }
    }

    /// What follows a request that did not succeed.
    private enum Continuation {
        case wait(Duration)
        case renewToken(refusal: StacksAPIError)
        case end(any Error)
    }

    // MARK: Before the first request

    private func request(
        to target: CallTarget, body: [UInt8]?, options: CallOptions, _ authorization: Authorization?
    ) throws -> TransportRequest {
        let operation = target.operation
        if let problem = options.retryPolicy?.problem { throw Argument.failure(problem, for: operation.name) }
        if authorization == nil { try RequestFields.check(options.headerFields, for: operation.name) }
        var request = TransportRequest(
            method: operation.method,
            origin: baseURL.origin,
            path: target.path,
            headerFields: try authorization?.fields.fields(
                hasBody: body != nil, adding: options.headerFields, for: operation.name) ?? [:],
            body: body,
            replay: operation.repetition == .always ? .whenConnectionWasDead : .never
        )
        request.allowsPlaintextProxy = configuration.allowsInsecureHTTP
        return request
    }

    private func pendingCall(
        _ target: CallTarget, options: CallOptions, _ authorization: Authorization?
    ) -> PendingCall {
        let operation = target.operation
        return PendingCall(
            record: CallRecord(
                operation: operation, number: log?.nextNumber() ?? 0, stack: target.stack, job: target.job,
                trace: trace(of: operation, options)),
            decision: RetryDecision(
                policy: options.retryPolicy ?? configuration.retryPolicy,
                repetition: operation.repetition,
                deadline: deadline(of: options),
                waitsOutProxies: options.waitsOutProxies
            ),
            authorization: authorization,
            extraFields: options.headerFields,
            isPart: options.isPart,
            place: governor == nil ? nil : RateGovernor.Place(operation, stack: target.stack)
        )
    }

    /// The earlier of a call's deadline and the end of its time-out.
    func deadline(of options: CallOptions) -> Moment? {
        guard let timeout = options.timeout else { return options.limit }
        let end = environment.now() + timeout
        return options.limit.map { min($0, end) } ?? end
    }

    // MARK: Each request

    /// Prepares the next request, unless the call's deadline has passed: how long to wait before asking again, or `nil`
    /// to send it.
    private func begin(
        _ call: inout PendingCall, _ request: inout TransportRequest
    ) throws -> Duration? {
        let now = environment.now()
        if call.record.began == nil { call.record.began = now }
        if let deadline = call.decision.deadline, deadline <= now {
            throw call.decision.expired(call.operation.name)
        }
        if let governor, var place = call.place {
            let turn = governor.turn(of: &place, now: now)
            call.place = place
            if let turn {
                if let deadline = call.decision.deadline, deadline <= turn {
                    throw call.decision.wouldWait(call.operation.name, now.duration(to: turn))
                }
                return RateGovernor.sleep(until: turn, now: now)
            }
            call.record.waited = place.waited
        }
        let limit = now + configuration.requestTimeout
        request.limit = call.decision.deadline.map { min($0, limit) } ?? limit
        call.requests = call.decision.attempts
        call.record.trace.sends(&request, call.operation, attempt: call.requests, to: baseURL)
        return nil
    }

    /// Takes a 2xx response. The call ends when its body is decoded.
    private func received(_ call: inout PendingCall, _ response: TransportResponse) -> ReceivedResponse {
        settle(call, response)
        foundSomething()
        call.record.trace.received(response)
        return ReceivedResponse(call: call.record, response: response, attempts: call.requests)
    }

    /// What follows a response that is not a 2xx.
    private func refused(_ call: inout PendingCall, _ response: TransportResponse) -> Continuation {
        if response.status != .notFound { foundSomething() }
        settle(call, response)
        call.record.trace.received(response)
        let failure = failure(of: call.operation, refusedWith: response)
        if failure.code == .unauthorized, credentials.canRenew, !call.hasRenewedToken {
            return .renewToken(refusal: failure)
        }
        return next(&call, after: failure)
    }

    /// What follows a request that got no response.
    private func failed(_ call: inout PendingCall, _ error: any Error, limit: Moment?) -> Continuation {
        if let governor, let place = call.place {
            let mayHaveArrived = (error as? TransportError)?.mayHaveReachedServer ?? true
            governor.failed(place, mayHaveReachedServer: mayHaveArrived, now: environment.now())
        }
        call.record.trace.requestFailed(error)
        if error is CancellationError { return .end(error) }
        var failure = failure(of: call.operation, thrown: error)
        if failure.underlying?.code == .timeout, let limit, limit <= environment.now(), limit != call.decision.deadline
        {
            failure.message += " The limit for one request is \(configuration.requestTimeout)."
        }
        return next(&call, after: failure)
    }

    /// Tells the rate limit of a response.
    private func settle(_ call: PendingCall, _ response: TransportResponse) {
        guard let governor, let place = call.place else { return }
        governor.received(
            response, for: place, longestPause: call.decision.policy.maximumRetryAfter, now: environment.now())
    }

    /// The end of a call, or a wait before its next request.
    private func next(_ call: inout PendingCall, after failure: StacksAPIError) -> Continuation {
        var generator = FunctionGenerator(bits: environment.randomBits)
        let now = environment.now()
        let pause = call.place.map { governor?.pause(before: $0, now: now) ?? .zero } ?? .zero
        switch call.decision.next(after: failure, now: now, using: &generator, budget: budget, pause: pause) {
        case .giveUp(let error):
            if call.decision.budgetWasSpent { metrics?.budgetWasSpent(call.operation.name) }
            return .end(error)
        case .wait(let delay):
            report(call, failure, after: delay)
            return .wait(delay)
        }
    }

    /// Counts the repetition of a request whose token was refused.
    private func repeats(_ call: inout PendingCall, after refusal: StacksAPIError) {
        call.decision.countRepetition()
        report(call, refusal, after: .zero)
    }

    /// Reports a request that is going to be repeated.
    private func report(_ call: PendingCall, _ failure: StacksAPIError, after delay: Duration) {
        log?.retries(call.record, failure, attempt: call.requests, after: delay)
        metrics?.retries(call.operation.name, after: failure.code)
    }

    // MARK: The end

    /// Decodes a response and ends its call.
    private func decoded<Value: Sendable>(
        _ received: ReceivedResponse, _ decode: (inout JSONReader) throws(JSONError) -> Value
    ) throws -> StacksResponse<Value> {
        do throws(JSONError) {
            let value = try JSONReader.read(received.response.body, decode)
            end(received.call, .success(received))
            return received.with(value)
        } catch {
            let error = failure(decoding: received, error)
            end(received.call, .unreadable(received, error))
            throw error
        }
    }

    /// Ends a call that got no 2xx response.
    private func end(_ call: PendingCall, _ error: any Error) {
        if let governor, let place = call.place { governor.leave(place, now: environment.now()) }
        end(call.record, CallOutcome(error, requests: call.requests))
    }

    /// Ends a call: the only place that counts it, credits the retry budget, logs it and ends its span.
    private func end(_ call: CallRecord, _ outcome: CallOutcome) {
        if let metrics, let began = call.began {
            metrics.ended(call, outcome, after: began.nanoseconds(to: environment.now()))
        }
        switch outcome {
        case .success(let received):
            budget?.succeeded()
            log?.succeeded(received)
            call.trace.succeeded(attempts: received.attempts, rateLimitWait: call.waited)
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

/// A call under way, without its request: what it may still do, and what happened so far.
struct PendingCall {
    var record: CallRecord
    var decision: RetryDecision
    /// How many requests were sent, the one under way included.
    var requests = 0
    /// `nil` until the token provider has returned a token.
    var authorization: Authorization?
    var hasRenewedToken = false
    /// The caller's own header fields.
    let extraFields: HTTPFields
    /// Whether it is one part of a long list.
    let isPart: Bool
    /// Its state under the rate limit; `nil` when it is not paced.
    var place: RateGovernor.Place?

    var operation: OperationDefinition { record.operation }
}

/// What the end of a call reports: which call it was, since when, and how long it waited.
struct CallRecord: Sendable {
    let operation: OperationDefinition
    /// The call's number in the log, 0 when it is not logged.
    let number: UInt64
    /// The stack and the job that the call is about, for the log.
    let stack: String?
    let job: JobID?
    /// The spans of the call and of its current request.
    var trace: CallTrace
    /// When the call began: before it waited for a token or for the rate limit.
    var began: Moment?
    /// How long its requests waited for the rate limit.
    var waited = Duration.zero
}

/// The 2xx response of a call whose body is not decoded yet.
struct ReceivedResponse {
    let call: CallRecord
    let response: TransportResponse
    /// How many requests the call sent.
    let attempts: Int

    /// The public response, with the value that was decoded.
    func with<Value>(_ value: Value) -> StacksResponse<Value> {
        StacksResponse(
            value: value,
            status: response.status,
            headerFields: response.headerFields,
            attempts: attempts,
            metrics: response.metrics,
            rateLimitWait: call.waited
        )
    }
}

/// How a call ended.
enum CallOutcome {
    /// The response was received and decoded.
    case success(ReceivedResponse)
    /// A 2xx response was received, and its body could not be decoded.
    case unreadable(ReceivedResponse, StacksAPIError)
    case failure(StacksAPIError)
    /// The task was cancelled after this many requests.
    case cancelled(requests: Int)

    /// What `error` means for a call that sent `requests`: anything but a ``StacksAPIError`` is a cancellation.
    init(_ error: any Error, requests: Int) {
        if let error = error as? StacksAPIError {
            self = .failure(error)
        } else {
            self = .cancelled(requests: requests)
        }
    }
}
