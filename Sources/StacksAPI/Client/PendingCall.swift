import HTTPTypes
import StacksTransport

/// Owns what a request was answered with, a 2xx after one attempt or more.
///
/// It is an object because the frame of an async function keeps a place of its own for each copy and each temporary that
/// the compiler makes of a structure, however short its life, until the function returns.
final class Exchange {
    let answer: TransportResponse
    let attempts: Int
    /// The call's number in the log, 0 when it is not logged.
    let call: UInt64
    let trace: CallTrace
    /// How long it waited for its turn under the rate limit.
    let rateLimitWait: Duration

    init(answer: TransportResponse, attempts: Int, call: UInt64, trace: CallTrace, rateLimitWait: Duration) {
        self.answer = answer
        self.attempts = attempts
        self.call = call
        self.trace = trace
        self.rateLimitWait = rateLimitWait
    }

    func response<Value>(_ value: Value) -> StacksResponse<Value> {
        StacksResponse(
            value: value,
            status: answer.status,
            headerFields: answer.headerFields,
            attempts: attempts,
            metrics: answer.metrics,
            rateLimitWait: rateLimitWait
        )
    }
}

/// A call on its way, apart from its request: what it may do, and what has come of it so far.
struct PendingCall: ~Copyable {
    let endpoint: Endpoint
    var decision: RetryDecision
    /// The call's number in the log, 0 when it is not logged.
    let number: UInt64
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
    var waited = Duration.zero
    /// When the call began, for its duration: before it asked for a token or a place.
    var began: Moment?
    var trace: CallTrace
}
