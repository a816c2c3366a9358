/// One of the operations of the Stacks API, as errors, logs and metrics name it.
public struct StacksOperation: Sendable, Hashable, CustomStringConvertible {
    /// An operation needs a case here, its ``OperationDefinition``, which the compiler then asks for, and its constant.
    enum Wrapped: Int, CaseIterable {
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

    /// How the client carries the operation out.
    var definition: OperationDefinition { OperationDefinition.all[wrapped.rawValue] }
}
