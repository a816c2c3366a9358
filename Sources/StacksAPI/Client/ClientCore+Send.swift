import HTTPTypes
import StacksTransport

/// A request that was answered with a 2xx, after one attempt or more.
struct Exchange {
    var answer: TransportResponse
    var attempts: Int
    /// The call's number in the log, 0 when it is not logged.
    var call: UInt64

    func response<Value>(_ value: Value) -> StacksResponse<Value> {
        StacksResponse(
            value: value,
            status: answer.status,
            headerFields: answer.headerFields,
            attempts: attempts,
            metrics: answer.metrics
        )
    }
}

/// A call on its way: what is sent, and what has come of it so far.
private struct PendingCall {
    let endpoint: Endpoint
    var request: TransportRequest
    var decision: RetryDecision
    /// The call's number in the log, 0 when it is not logged.
    let number: UInt64
}

extension ClientCore {
    /// Sends a request until it is answered with a 2xx, as often as the policy and the operation allow.
    ///
    /// What to do after a failure is decided by ``RetryDecision``, a pure value; here is the waiting, and nothing else:
    /// an async function pays for each of its temporaries with an allocation of its task, a synchronous one does not.
    func send(
        _ endpoint: Endpoint, path: String, body: [UInt8]?, options: CallOptions
    ) async throws -> Exchange {
        var call = try prepare(endpoint, path: path, body: body, options: options)
        while true {
            try begin(&call)
            let outcome: Result<TransportResponse, any Error>
            do {
                outcome = .success(try await transport.send(call.request))
            } catch {
                outcome = .failure(error)
            }
            switch try conclude(&call, outcome) {
            case .done(let exchange):
                return exchange
            case .wait(let delay):
                do {
                    try await environment.sleep(delay)
                } catch {
                    log?.cancelled(call.number, endpoint, attempts: call.decision.attempts - 1)
                    throw error
                }
            }
        }
    }

    private enum Conclusion {
        case done(Exchange)
        case wait(Duration)
    }

    @inline(never)
    private func prepare(
        _ endpoint: Endpoint, path: String, body: [UInt8]?, options: CallOptions
    ) throws(StacksAPIError) -> PendingCall {
        if let problem = options.retryPolicy?.problem { throw Argument.failure(problem, for: endpoint.operation) }
        let request = TransportRequest(
            method: endpoint.method,
            origin: baseURL.origin,
            path: path,
            headerFields: try fields.fields(
                hasBody: body != nil, adding: options.headerFields, for: endpoint.operation),
            body: body,
            replay: endpoint.repetition == .always ? .whenConnectionWasDead : .never
        )
        return PendingCall(
            endpoint: endpoint,
            request: request,
            decision: RetryDecision(
                policy: options.retryPolicy ?? configuration.retryPolicy,
                repetition: endpoint.repetition,
                deadline: options.absoluteDeadline(environment.now)
            ),
            number: log?.began(endpoint, request) ?? 0
        )
    }

    /// Sets the deadline of the next request, unless the call's own has passed.
    @inline(never)
    private func begin(_ call: inout PendingCall) throws(StacksAPIError) {
        let now = environment.now()
        let limit = now + configuration.requestTimeout
        guard let deadline = call.decision.deadline else {
            call.request.deadline = limit
            return
        }
        if deadline <= now {
            let error = call.decision.expired(call.endpoint.operation)
            log?.failed(call.number, call.endpoint, error)
            throw error
        }
        call.request.deadline = min(deadline, limit)
    }

    /// What follows from an answer or a failure: the end of the call, or a wait before the next request.
    @inline(never)
    private func conclude(
        _ call: inout PendingCall, _ outcome: Result<TransportResponse, any Error>
    ) throws -> Conclusion {
        var failure: StacksAPIError
        switch outcome {
        case .success(let answer) where answer.status.kind == .successful:
            let exchange = Exchange(answer: answer, attempts: call.decision.attempts, call: call.number)
            log?.succeeded(exchange, call.endpoint)
            return .done(exchange)
        case .success(let answer):
            failure = self.failure(of: call.endpoint, answer: answer)
        case .failure(let error as CancellationError):
            log?.cancelled(call.number, call.endpoint, attempts: call.decision.attempts)
            throw error
        case .failure(let error):
            failure = self.failure(of: call.endpoint, thrown: error)
            if failure.underlying?.code == .timeout, let limit = call.request.deadline, limit <= environment.now(),
                limit != call.decision.deadline
            {
                failure.message += " One request may take \(configuration.requestTimeout)."
            }
        }
        var generator = FunctionGenerator(bits: environment.randomBits)
        switch call.decision.next(after: failure, now: environment.now(), using: &generator) {
        case .giveUp(let error):
            log?.failed(call.number, call.endpoint, error)
            throw error
        case .wait(let delay):
            log?.retries(call.number, call.endpoint, failure, attempt: call.decision.attempts, after: delay)
            return .wait(delay)
        }
    }
}

extension CallOptions {
    /// The earlier of deadline and time-out.
    func absoluteDeadline(_ now: () -> ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard let timeout else { return deadline }
        let end = now() + timeout
        return deadline.map { min($0, end) } ?? end
    }
}
