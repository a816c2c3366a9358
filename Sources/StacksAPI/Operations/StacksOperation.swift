import HTTPTypes

/// One of the operations of the Stacks API, as errors, logs and metrics name it.
public struct StacksOperation: Sendable, Hashable, CustomStringConvertible {
    /// An operation needs (1) a case here, (2) its constant below, and (3) its ``OperationDefinition``, which the compiler
    /// asks for.
    enum Wrapped: Int, CaseIterable {
        case registerStack, deregisterStack, scheduledJobs, reserveJobs, job, jobStates, issueJobAcquisitionTokens
        case finishJob, notify, tokenIdentity
    }

    private let wrapped: Wrapped

    fileprivate init(_ wrapped: Wrapped) { self.wrapped = wrapped }

    /// The name, which is that of the client's method: `reserveJobs` for example. Fit for a metric's label.
    public var name: String { "\(wrapped)" }

    /// Its place in tables of all operations.
    var index: Int { wrapped.rawValue }

    /// The name.
    public var description: String { name }

    /// Registers a stack, or updates its registration.
    public static let registerStack = StacksOperation(.registerStack)
    /// Ends a stack's registration.
    public static let deregisterStack = StacksOperation(.deregisterStack)
    /// Lists scheduled jobs.
    public static let scheduledJobs = StacksOperation(.scheduledJobs)
    /// Reserves jobs.
    public static let reserveJobs = StacksOperation(.reserveJobs)
    /// Reads what a job runs.
    public static let job = StacksOperation(.job)
    /// Reads the states of jobs.
    public static let jobStates = StacksOperation(.jobStates)
    /// Issues tokens that acquire one job each.
    public static let issueJobAcquisitionTokens = StacksOperation(.issueJobAcquisitionTokens)
    /// Finishes a job that no agent ran.
    public static let finishJob = StacksOperation(.finishJob)
    /// Shows notifications on jobs' pages.
    public static let notify = StacksOperation(.notify)
    /// Reads the identity of the client's token.
    public static let tokenIdentity = StacksOperation(.tokenIdentity)

    /// All operations, in the order of their indexes.
    static let all = Wrapped.allCases.map(StacksOperation.init)

    /// How the client carries the operation out.
    var definition: OperationDefinition { OperationDefinition.all[wrapped.rawValue] }
}

/// How the client carries out an operation: everything about it that is fixed. ``StacksOperation`` is its name.
///
/// It is a class because each call passes it on many times: copying a struct would retain each of its strings.
final class OperationDefinition: Sendable {
    /// When a request may be repeated after a failure. One that certainly was not sent can always be.
    enum Repetition: Sendable {
        /// After any failure: repeating it has the same effect as sending it once, or does no harm.
        case always
        /// When the server responded with 429 or 5xx, and so did not do it.
        case whenRefused
        /// When the server responded with 429 or 503, and so did not even process it.
        case whenNotAccepted
    }

    let operation: StacksOperation
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
        _ operation: StacksOperation, _ method: HTTPRequest.Method, _ path: PathTemplate, repetition: Repetition,
        rateScope: RateScope?, respondsWithSecrets: Bool, adviceInDoubt: String? = nil
    ) {
        self.operation = operation
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
    private static func definition(of wrapped: StacksOperation.Wrapped) -> OperationDefinition {
        let operation = StacksOperation(wrapped)
        return switch wrapped {
        case .registerStack:
            OperationDefinition(
                operation, .post, "stacks/register", repetition: .always, rateScope: nil, respondsWithSecrets: false)
        case .deregisterStack:
            OperationDefinition(
                operation, .post, "stacks/\(.stackKey)/deregister", repetition: .always,
                rateScope: RateScope("default", limit: 10, .urgent), respondsWithSecrets: false)
        case .scheduledJobs:
            OperationDefinition(
                operation, .get, "stacks/\(.stackKey)/scheduled-jobs", repetition: .always,
                rateScope: RateScope("list-scheduled-jobs", limit: 10, .normal), respondsWithSecrets: false)
        case .reserveJobs:
            OperationDefinition(
                operation, .put, "stacks/\(.stackKey)/scheduled-jobs/batch-reserve", repetition: .always,
                rateScope: RateScope("batch-reserve", limit: 10, .normal), respondsWithSecrets: false)
        case .job:
            OperationDefinition(
                operation, .get, "stacks/\(.stackKey)/jobs/\(.job)", repetition: .always,
                rateScope: RateScope("show-job", limit: 1000, .normal), respondsWithSecrets: true)
        case .jobStates:
            OperationDefinition(
                operation, .post, "stacks/\(.stackKey)/jobs/get-states", repetition: .always,
                rateScope: RateScope("batch-load-job-states", limit: 20, .urgent), respondsWithSecrets: false)
        case .issueJobAcquisitionTokens:
            // No limit is documented: the lowest of all, until the first response.
            OperationDefinition(
                operation, .post, "stacks/\(.stackKey)/job-acquisition-tokens", repetition: .always,
                rateScope: RateScope("job-acquisition-tokens", limit: 10, .normal), respondsWithSecrets: true)
        case .finishJob:
            OperationDefinition(
                operation, .post, "stacks/\(.stackKey)/jobs/\(.job)/finish", repetition: .whenNotAccepted,
                rateScope: RateScope("finish-job", limit: 100, .urgent), respondsWithSecrets: false,
                adviceInDoubt: "The job may be finished: ask for its state before finishing it again.")
        case .notify:
            OperationDefinition(
                operation, .post, "stacks/\(.stackKey)/notifications", repetition: .whenRefused,
                rateScope: RateScope("stack-notification", limit: 200, .background), respondsWithSecrets: false,
                adviceInDoubt: "The notifications may have been created: sending them again could show them twice.")
        case .tokenIdentity:
            OperationDefinition(
                operation, .get, "token", repetition: .always, rateScope: nil, respondsWithSecrets: false)
        }
    }
}
