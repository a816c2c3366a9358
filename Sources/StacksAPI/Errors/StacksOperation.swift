/// One of the operations of the Stacks API, as errors, logs and metrics name it.
public struct StacksOperation: Sendable, Hashable, CustomStringConvertible {
    /// The name, which is that of the client's method: `reserveJobs` for example. Fit for a metric's label.
    public let name: String

    /// Its place in tables of all operations.
    let index: Int

    private init(_ name: String, _ index: Int) {
        self.name = name
        self.index = index
    }

    /// The name.
    public var description: String { name }

    /// Registers a stack, or says anew what it is.
    public static let registerStack = StacksOperation("registerStack", 0)
    /// Ends a stack's registration.
    public static let deregisterStack = StacksOperation("deregisterStack", 1)
    /// Lists scheduled jobs.
    public static let scheduledJobs = StacksOperation("scheduledJobs", 2)
    /// Reserves jobs.
    public static let reserveJobs = StacksOperation("reserveJobs", 3)
    /// Reads what a job runs.
    public static let job = StacksOperation("job", 4)
    /// Reads the states of jobs.
    public static let jobStates = StacksOperation("jobStates", 5)
    /// Issues tokens that acquire one job each.
    public static let issueJobAcquisitionTokens = StacksOperation("issueJobAcquisitionTokens", 6)
    /// Finishes a job that no agent ran.
    public static let finishJob = StacksOperation("finishJob", 7)
    /// Shows notifications on jobs.
    public static let notify = StacksOperation("notify", 8)
    /// Tells whose token it is.
    public static let tokenIdentity = StacksOperation("tokenIdentity", 9)

    /// All operations, in the order of their indexes.
    static let all = [
        registerStack, deregisterStack, scheduledJobs, reserveJobs, job, jobStates, issueJobAcquisitionTokens,
        finishJob, notify, tokenIdentity,
    ]

    static let count = 10
}
