import HTTPTypes

/// How the client carries out an operation: everything about it that is fixed. ``StacksOperation`` is its name.
///
/// There is one object for each operation, so that a call passes a pointer on instead of copies.
final class OperationDefinition: Sendable {
    /// When a request may be repeated after a failure. One that certainly was not sent can always be.
    enum Repetition: Sendable {
        /// After any failure: repeating it has the same effect as sending it once, or does no harm.
        case always
        /// When the server said that it did not do it: 429 or 5xx.
        case whenRefused
        /// When the server said that it did not even process it: 429 or 503.
        case whenNotAccepted
    }

    let name: StacksOperation
    let method: HTTPRequest.Method
    let path: PathTemplate
    let repetition: Repetition
    /// The rate limit that its requests count against; `nil` when there is none.
    let rateScope: RateScope?
    /// Whether the body of a successful response holds secrets, which keeps it out of errors.
    let respondsWithSecrets: Bool
    /// What to do when a request failed and may have taken effect; `nil` when it may simply be repeated.
    let adviceInDoubt: String?

    private init(
        _ name: StacksOperation, _ method: HTTPRequest.Method, _ path: PathTemplate, repetition: Repetition = .always,
        rateScope: RateScope? = nil, respondsWithSecrets: Bool = false, adviceInDoubt: String? = nil
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.repetition = repetition
        self.rateScope = rateScope
        self.respondsWithSecrets = respondsWithSecrets
        self.adviceInDoubt = adviceInDoubt
    }

    /// The definitions, in the order of the operations' indexes.
    static let all = StacksOperation.Wrapped.allCases.map(definition)

    /// An operation's definition. The rate limits are those that are documented
    /// (<https://buildkite.com/docs/apis/agent-api/stacks>); they hold until a response says otherwise.
    private static func definition(of operation: StacksOperation.Wrapped) -> OperationDefinition {
        switch operation {
        case .registerStack:
            OperationDefinition(.registerStack, .post, "stacks/register")
        case .deregisterStack:
            OperationDefinition(
                .deregisterStack, .post, "stacks/\(.stackKey)/deregister",
                rateScope: RateScope("default", limit: 10, .urgent))
        case .scheduledJobs:
            OperationDefinition(
                .scheduledJobs, .get, "stacks/\(.stackKey)/scheduled-jobs",
                rateScope: RateScope("list-scheduled-jobs", limit: 10, .normal))
        case .reserveJobs:
            OperationDefinition(
                .reserveJobs, .put, "stacks/\(.stackKey)/scheduled-jobs/batch-reserve",
                rateScope: RateScope("batch-reserve", limit: 10, .normal))
        case .job:
            OperationDefinition(
                .job, .get, "stacks/\(.stackKey)/jobs/\(.job)",
                rateScope: RateScope("show-job", limit: 1000, .normal), respondsWithSecrets: true)
        case .jobStates:
            OperationDefinition(
                .jobStates, .post, "stacks/\(.stackKey)/jobs/get-states",
                rateScope: RateScope("batch-load-job-states", limit: 20, .urgent))
        case .issueJobAcquisitionTokens:
            // No limit is documented: the lowest of all, until the first response.
            OperationDefinition(
                .issueJobAcquisitionTokens, .post, "stacks/\(.stackKey)/job-acquisition-tokens",
                rateScope: RateScope("job-acquisition-tokens", limit: 10, .normal), respondsWithSecrets: true)
        case .finishJob:
            OperationDefinition(
                .finishJob, .post, "stacks/\(.stackKey)/jobs/\(.job)/finish", repetition: .whenNotAccepted,
                rateScope: RateScope("finish-job", limit: 100, .urgent),
                adviceInDoubt: "The job may be finished: ask for its state before finishing it again.")
        case .notify:
            OperationDefinition(
                .notify, .post, "stacks/\(.stackKey)/notifications", repetition: .whenRefused,
                rateScope: RateScope("stack-notification", limit: 200, .background),
                adviceInDoubt: "The notifications may have been created: sending them again could show them twice.")
        case .tokenIdentity:
            OperationDefinition(.tokenIdentity, .get, "token")
        }
    }
}

/// The rate limit of an operation until a response tells another.
struct RateScope: Sendable {
    let name: String
    /// How many requests a second are allowed.
    let limit: Int
    let lane: RateLane

    init(_ name: String, limit: Int, _ lane: RateLane) {
        self.name = name
        self.limit = limit
        self.lane = lane
    }
}
