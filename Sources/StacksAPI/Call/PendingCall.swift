import HTTPTypes
import StacksTransport

/// Where a call goes: its operation, with the path that its arguments make.
struct CallTarget: Sendable {
    let operation: Operation
    /// Path and query, percent-encoded.
    var path: String
    /// The stack's key, when it is in the path.
    let stack: String?
}

/// What the end of a call reports: which call it was, since when, and how long it waited.
struct CallRecord: Sendable {
    let operation: Operation
    /// The call's number in the log, 0 when it is not logged.
    let number: UInt64
    /// The spans of the call and of its current request.
    var trace: CallTrace
    /// When the call began: before it asked for a token or waited for the rate limit.
    var began: Moment?
    /// How long its requests waited for the rate limit.
    var waited = Duration.zero
}

/// A call under way, without its request: what it may still do, and what happened so far.
struct PendingCall: ~Copyable {
    var record: CallRecord
    var decision: RetryDecision
    /// How many requests were sent, the one under way included.
    var requests = 0
    /// `nil` until the token provider has been asked.
    var authorization: Authorization?
    var hasRenewedToken = false
    /// The caller's own header fields.
    let extraFields: HTTPFields
    /// Its state under the rate limit; `nil` when it is not paced.
    var place: RateGovernor.Place?

    var operation: Operation { record.operation }
}

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
