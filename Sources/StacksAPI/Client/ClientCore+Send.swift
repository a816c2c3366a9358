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

extension ClientCore {
    /// Sends a request until it is answered with a 2xx, as often as the policy and the operation allow.
    ///
    /// What to do after a failure is decided by ``RetryDecision``, a pure value; here is the waiting.
    func send(
        _ endpoint: Endpoint, path: String, body: [UInt8]?, options: CallOptions
    ) async throws -> Exchange {
        let operation = endpoint.operation
        if let problem = options.retryPolicy?.problem { throw Argument.failure(problem, for: operation) }
        let deadline = options.absoluteDeadline(environment.now)
        var request = TransportRequest(
            method: endpoint.method,
            origin: baseURL.origin,
            path: path,
            headerFields: try fields.fields(hasBody: body != nil, adding: options.headerFields, for: operation),
            body: body,
            replay: endpoint.repetition == .always ? .whenConnectionWasDead : .never
        )
        let call = log?.began(endpoint, request) ?? 0
        var decision = RetryDecision(
            policy: options.retryPolicy ?? configuration.retryPolicy,
            repetition: endpoint.repetition,
            deadline: deadline
        )
        var generator = FunctionGenerator(bits: environment.randomBits)
        while true {
            let now = environment.now()
            if let deadline, deadline <= now {
                let error = StacksAPIError(
                    code: .deadlineExceeded, operation: operation, message: "The call's deadline had passed already.",
                    attempts: decision.attempts - 1)
                log?.failed(call, endpoint, error)
                throw error
            }
            let limit = now + configuration.requestTimeout
            request.deadline = deadline.map { min($0, limit) } ?? limit

            let error: StacksAPIError
            do {
                let answer = try await transport.send(request)
                if answer.status.kind == .successful {
                    let exchange = Exchange(answer: answer, attempts: decision.attempts, call: call)
                    log?.succeeded(exchange, endpoint)
                    return exchange
                }
                error = failure(of: endpoint, answer: answer)
            } catch is CancellationError {
                log?.cancelled(call, endpoint, attempts: decision.attempts)
                throw CancellationError()
            } catch let thrown {
                error = failure(of: endpoint, thrown: thrown)
            }
            switch decision.next(after: error, now: environment.now(), using: &generator) {
            case .giveUp(let error):
                log?.failed(call, endpoint, error)
                throw error
            case .wait(let delay):
                log?.retries(call, endpoint, error, attempt: decision.attempts, after: delay)
                do {
                    try await environment.sleep(delay)
                } catch {
                    log?.cancelled(call, endpoint, attempts: decision.attempts - 1)
                    throw error
                }
            }
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
