import StacksTransport

/// The 2xx response of a call whose body is not decoded yet.
///
/// It is an object because the frame of an async function keeps room for each copy and each temporary of a structure
/// until the function returns.
final class ReceivedResponse {
    let call: CallRecord
    let response: TransportResponse
    /// How many requests the call sent.
    let attempts: Int

    init(_ response: TransportResponse, to call: CallRecord, attempts: Int) {
        self.response = response
        self.call = call
        self.attempts = attempts
    }

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
