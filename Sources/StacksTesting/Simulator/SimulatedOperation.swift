/// What a request to the simulator asks for: the ten operations of the Stacks API, and the three of an agent.
public enum SimulatedOperation: String, Sendable, Hashable, CaseIterable {
    case registerStack = "register-stack"
    case deregisterStack = "deregister-stack"
    case listScheduledJobs = "list-scheduled-jobs"
    case reserveJobs = "reserve-jobs"
    case getJob = "get-job"
    case getJobStates = "get-job-states"
    case issueJobAcquisitionTokens = "issue-job-acquisition-tokens"
    case finishJob = "finish-job"
    case createNotifications = "create-notifications"
    case tokenIdentity = "token-identity"
    /// An agent takes its job.
    case agentAcquire = "agent-acquire"
    /// An agent says that its job runs.
    case agentStart = "agent-start"
    /// An agent says how its job ended.
    case agentFinish = "agent-finish"

    /// The `RateLimit-Scope` that its answers carry.
    var rateLimitScope: String {
        switch self {
        case .listScheduledJobs: "list-scheduled-jobs"
        case .reserveJobs: "batch-reserve"
        case .getJob: "show-job"
        case .getJobStates: "batch-load-job-states"
        case .issueJobAcquisitionTokens: "job-acquisition-tokens"
        case .finishJob: "finish-job"
        case .createNotifications: "stack-notification"
        case .registerStack, .deregisterStack, .tokenIdentity, .agentAcquire, .agentStart, .agentFinish: "default"
        }
    }

    /// Whether requests count against the limit of a stack.
    var isRateLimited: Bool {
        switch self {
        case .registerStack, .tokenIdentity, .agentAcquire, .agentStart, .agentFinish: false
        default: true
        }
    }
}
