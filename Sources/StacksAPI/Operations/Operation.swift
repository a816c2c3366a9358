import HTTPTypes

/// One of the operations of the Stacks API, as errors, logs and metrics name it.
public struct StacksOperation: Sendable, Hashable, CustomStringConvertible {
    /// An operation needs a case here, its row below, which the compiler asks for, and its constant.
    fileprivate enum Wrapped: Int, CaseIterable {
        case registerStack, deregisterStack, scheduledJobs, reserveJobs, job, jobStates, issueJobAcquisitionTokens
        case finishJob, notify, tokenIdentity
    }

    private let wrapped: Wrapped

    private init(_ wrapped: Wrapped) { self.wrapped = wrapped }

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
    /// Tells whose token the client uses.
    public static let tokenIdentity = StacksOperation(.tokenIdentity)

    /// All operations, in the order of their indexes.
    static let all = Wrapped.allCases.map(StacksOperation.init)

    static let count = Wrapped.allCases.count

    /// What is fixed about the operation.
    var row: Operation { Operation.rows[wrapped.rawValue] }
}

/// Everything that is fixed about an operation.
///
/// There is one object for each operation, so that a call passes a pointer on instead of copies.
final class Operation: Sendable {
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

    /// The rows, in the order of the operations' indexes.
    fileprivate static let rows = StacksOperation.Wrapped.allCases.map(row)

    /// An operation's row. The rate limits are those that are documented
    /// (<https://buildkite.com/docs/apis/agent-api/stacks>); they hold until a response says otherwise.
    private static func row(of operation: StacksOperation.Wrapped) -> Operation {
        switch operation {
        case .registerStack:
            Operation(.registerStack, .post, "stacks/register")
        case .deregisterStack:
            Operation(
                .deregisterStack, .post, "stacks/\(.stackKey)/deregister",
                rateScope: RateScope("default", limit: 10, .urgent))
        case .scheduledJobs:
            Operation(
                .scheduledJobs, .get, "stacks/\(.stackKey)/scheduled-jobs",
                rateScope: RateScope("list-scheduled-jobs", limit: 10, .normal))
        case .reserveJobs:
            Operation(
                .reserveJobs, .put, "stacks/\(.stackKey)/scheduled-jobs/batch-reserve",
                rateScope: RateScope("batch-reserve", limit: 10, .normal))
        case .job:
            Operation(
                .job, .get, "stacks/\(.stackKey)/jobs/\(.job)",
                rateScope: RateScope("show-job", limit: 1000, .normal), respondsWithSecrets: true)
        case .jobStates:
            Operation(
                .jobStates, .post, "stacks/\(.stackKey)/jobs/get-states",
                rateScope: RateScope("batch-load-job-states", limit: 20, .urgent))
        case .issueJobAcquisitionTokens:
            // No limit is documented: the lowest of all, until the first response.
            Operation(
                .issueJobAcquisitionTokens, .post, "stacks/\(.stackKey)/job-acquisition-tokens",
                rateScope: RateScope("job-acquisition-tokens", limit: 10, .normal), respondsWithSecrets: true)
        case .finishJob:
            Operation(
                .finishJob, .post, "stacks/\(.stackKey)/jobs/\(.job)/finish", repetition: .whenNotAccepted,
                rateScope: RateScope("finish-job", limit: 100, .urgent),
                adviceInDoubt: "The job may be finished: ask for its state before finishing it again.")
        case .notify:
            Operation(
                .notify, .post, "stacks/\(.stackKey)/notifications", repetition: .whenRefused,
                rateScope: RateScope("stack-notification", limit: 200, .background),
                adviceInDoubt: "The notifications may have been created: sending them again could show them twice.")
        case .tokenIdentity:
            Operation(.tokenIdentity, .get, "token")
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

/// The path of an operation below the base URL, written once: `"stacks/\(.stackKey)/jobs/\(.job)"`.
struct PathTemplate: Sendable, ExpressibleByStringInterpolation {
    enum Parameter: String {
        case stackKey = "stack_key"
        case job = "job_uuid"
    }

    fileprivate enum Piece {
        case text(String)
        case parameter(Parameter)
    }

    private let pieces: [Piece]
    /// How many bytes the pieces of text have.
    private let textSize: Int

    /// The template as spans show it: `stacks/{stack_key}/jobs/{job_uuid}`.
    let description: String

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var pieces: [Piece] = []

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: String) {
            if !literal.isEmpty { pieces.append(.text(literal)) }
        }

        mutating func appendInterpolation(_ parameter: Parameter) { pieces.append(.parameter(parameter)) }
    }

    init(stringLiteral text: String) { self.init([.text(text)]) }

    init(stringInterpolation: StringInterpolation) { self.init(stringInterpolation.pieces) }

    private init(_ pieces: [Piece]) {
        self.pieces = pieces
        var (size, description) = (0, "")
        for piece in pieces {
            switch piece {
            case .text(let text):
                size += text.utf8.count
                description += text
            case .parameter(let parameter): description += "{\(parameter.rawValue)}"
            }
        }
        textSize = size
        self.description = description
    }

    /// The path below `prefix`. The stack's key has been checked, so that it needs no encoding.
    func path(below prefix: String, stack: String, job: JobID?) -> String {
        let size = prefix.utf8.count + textSize + stack.utf8.count + (job.map(ByteWriter.segmentSize) ?? 0)
        return ByteWriter.text(capacity: size) { writer in
            writer.text(prefix)
            for piece in pieces {
                switch piece {
                case .text(let text): writer.text(text)
                case .parameter(.stackKey): writer.text(stack)
                case .parameter(.job): if let job { writer.segment(job) }
                }
            }
        }
    }
}
