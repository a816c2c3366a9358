import HTTPTypes
import StacksTransport

/// The state of a call between its requests: the retries that are left, its token, its rate limit. The request itself is
/// separate, because steps change it in place.
struct PendingCall {
    var record: CallRecord
    var decision: RetryDecision
    /// How many requests were sent.
    var requests = 0
    /// `nil` until the token provider has returned a token.
    var authorization: Authorization?
    var hasRenewedToken = false
    /// The caller's own header fields.
    let extraFields: HTTPFields
    /// Whether it is one batch of a long list.
    let isBatch: Bool
    /// `nil` when it is not paced.
    var pacing: PacedCall?

    var operation: StacksOperation { record.operation }
}

/// What the end of a call reports: which call it was, since when, and how long it waited.
struct CallRecord: Sendable {
    let definition: OperationDefinition
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

    var operation: StacksOperation { definition.operation }
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

/// How a call ended without success.
enum CallOutcome {
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
