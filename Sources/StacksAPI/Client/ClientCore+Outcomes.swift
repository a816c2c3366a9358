import StacksTransport

/// How calls end, for the log and the metrics.
extension ClientCore {
    /// - Returns: The error, to be thrown.
    func failed(_ call: borrowing PendingCall, _ error: StacksAPIError) -> StacksAPIError {
        log?.failed(call.number, call.endpoint, error)
        if let metrics {
            metrics.failed(call.endpoint.operation, error.code)
            measure(call, .failure, nil, environment.now())
        }
        call.trace.failed(error)
        return error
    }

    func cancelled(_ call: borrowing PendingCall, attempts: Int) {
        log?.cancelled(call.number, call.endpoint, attempts: attempts)
        if metrics != nil { measure(call, .cancelled, nil, environment.now()) }
        call.trace.failed(CancellationError())
    }

    func retries(_ call: borrowing PendingCall, _ failure: StacksAPIError, attempt: Int, after delay: Duration) {
        log?.retries(call.number, call.endpoint, failure, attempt: attempt, after: delay)
        metrics?.retries(call.endpoint.operation, after: failure.code)
    }

    /// Ends a call before its next request is sent.
    func unsent(_ call: borrowing PendingCall, _ error: StacksAPIError, _ now: Moment) -> StacksAPIError {
        if call.waitsSince != nil, let permit = call.permit { governor?.leave(permit, now: now) }
        return failed(call, error)
    }

    /// Counts a call that is over.
    func measure(
        _ call: borrowing PendingCall, _ outcome: ClientMetrics.Outcome, _ transport: TransportMetrics?, _ now: Moment
    ) {
        guard let metrics, let began = call.began else { return }
        let operation = call.endpoint.operation
        metrics.ended(operation, outcome, after: began.nanoseconds(to: now))
        if call.waited > .zero { metrics.waited(operation, call.waited) }
        if let transport { metrics.travelled(transport) }
    }
}
