import HTTPTypes
import StacksTransport

/// What the end of a call reports: which call it was, since when, and how long it waited.
struct CallRecord: Sendable {
    let endpoint: Endpoint
    /// The call's number in the log, 0 when it is not logged.
    let number: UInt64
    /// The spans of the call and of its current request.
    var trace: CallTrace
    /// When the call began: before it asked for a token or waited for the rate limit.
    var began: Moment?
    /// How long its requests waited for the rate limit.
    var waited = Duration.zero
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
    /// The stack's key, for its rate limits.
    let stack: String?
    /// The place of the next request under the rate limit.
    var permit: RateGovernor.Permit?
    /// Since when the next request waits for that place.
    var waitsSince: Moment?

    var endpoint: Endpoint { record.endpoint }
}
