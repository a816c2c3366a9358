import StacksTransport

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

extension ClientCore {
    /// Ends a call: the only place that counts it, credits the retry budget, logs it and ends its span.
    func end(_ call: borrowing CallRecord, _ outcome: CallOutcome) {
        let operation = call.endpoint.operation
        if let metrics, let began = call.began {
            metrics.ended(operation, outcome, after: began.nanoseconds(to: environment.now()))
            if call.waited > .zero { metrics.waited(operation, call.waited) }
        }
        switch outcome {
        case .success(let received):
            budget?.succeeded()
            log?.succeeded(received)
            call.trace.succeeded(attempts: received.attempts, rateLimitWait: call.waited)
        case .unreadable(let received, let error):
            log?.failed(call.number, call.endpoint, error, body: received.response.body)
            call.trace.failed(error)
        case .failure(let error):
            log?.failed(call.number, call.endpoint, error, body: error.body)
            call.trace.failed(error)
        case .cancelled(let requests):
            log?.cancelled(call.number, call.endpoint, attempts: requests)
            call.trace.failed(CancellationError())
        }
    }

    /// Tells of a request that will be followed by another.
    func retries(_ call: borrowing PendingCall, _ failure: StacksAPIError, attempt: Int, after delay: Duration) {
        log?.retries(call.record.number, call.endpoint, failure, attempt: attempt, after: delay)
        metrics?.retries(call.endpoint.operation, after: failure.code)
    }
}
