import StacksTransport

/// How calls end, for the log, the metrics and the retry budget.
extension ClientCore {
    func succeeded(_ call: PendingCall, _ answer: TransportResponse) -> Exchange {
        let exchange = Exchange(
            answer: answer, attempts: call.decision.attempts, call: call.number, trace: call.trace,
            rateLimitWait: call.waited)
        budget?.succeeded()
        log?.succeeded(exchange, call.endpoint)
        if metrics != nil { measure(call, .success, answer.metrics) }
        return exchange
    }

    /// - Returns: The error, to be thrown.
    func failed(_ call: PendingCall, _ error: StacksAPIError) -> StacksAPIError {
        log?.failed(call.number, call.endpoint, error)
        if let metrics {
            metrics.failed(call.endpoint.operation, error.code)
            measure(call, .failure)
        }
        call.trace.failed(error)
        return error
    }

    func cancelled(_ call: PendingCall, attempts: Int) {
        log?.cancelled(call.number, call.endpoint, attempts: attempts)
        if metrics != nil { measure(call, .cancelled) }
        call.trace.failed(CancellationError())
    }

    func retries(_ call: PendingCall, _ failure: StacksAPIError, attempt: Int, after delay: Duration) {
        log?.retries(call.number, call.endpoint, failure, attempt: attempt, after: delay)
        metrics?.retries(call.endpoint.operation, after: failure.code)
    }

    /// Ends a call before its next request is sent.
    func refused(
        _ call: PendingCall, _ error: StacksAPIError, _ now: Moment
    ) -> StacksAPIError {
        if call.waitsSince != nil, let permit = call.permit { governor?.leave(permit, now: now) }
        return failed(call, error)
    }

    private func measure(_ call: PendingCall, _ outcome: ClientMetrics.Outcome, _ transport: TransportMetrics? = nil) {
        guard let metrics, let began = call.began else { return }
        let operation = call.endpoint.operation
        metrics.ended(operation, outcome, after: began.duration(to: environment.now()))
        if call.waited > .zero { metrics.waited(operation, call.waited) }
        if let transport { metrics.travelled(transport) }
    }
}
