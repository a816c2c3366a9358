import HTTPTypes
import StacksTransport

/// A call under way, without its request: what it may still do, and what happened so far.
struct PendingCall {
    var record: CallRecord
    var decision: RetryDecision
    /// How many requests were sent, the one under way included.
    var requests = 0
    /// `nil` until the token provider has returned a token.
    var authorization: Authorization?
    var hasRenewedToken = false
    /// The caller's own header fields.
    let extraFields: HTTPFields
    /// Whether it is one part of a long list.
    let isPart: Bool
    /// Its state under the rate limit; `nil` when it is not paced.
    var place: RateGovernor.Place?

    var operation: OperationDefinition { record.operation }
}

/// What the end of a call reports: which call it was, since when, and how long it waited.
struct CallRecord: Sendable {
    let operation: OperationDefinition
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
}
