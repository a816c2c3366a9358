/// The operations of the simulator: the ten of the Stacks API, and three of an agent.
public enum SimulatedOperation: String, Sendable, Hashable, CaseIterable {
    /// `POST stacks/register`
    case registerStack = "register-stack"
    /// `POST stacks/:key/deregister`
    case deregisterStack = "deregister-stack"
    /// `GET stacks/:key/scheduled-jobs`
    case listScheduledJobs = "list-scheduled-jobs"
    /// `PUT stacks/:key/scheduled-jobs/batch-reserve`
    case reserveJobs = "reserve-jobs"
    /// `GET stacks/:key/jobs/:uuid`
    case getJob = "get-job"
    /// `POST stacks/:key/jobs/get-states`
    case getJobStates = "get-job-states"
    /// `POST stacks/:key/job-acquisition-tokens`
    case issueJobAcquisitionTokens = "issue-job-acquisition-tokens"
    /// `POST stacks/:key/jobs/:uuid/finish`
    case finishJob = "finish-job"
    /// `POST stacks/:key/notifications`
    case createNotifications = "create-notifications"
    /// `GET token`
    case tokenIdentity = "token-identity"
    /// `PUT jobs/:uuid/acquire`: an agent acquires its job.
    case agentAcquire = "agent-acquire"
    /// `PUT jobs/:uuid/start`: an agent starts its job.
    case agentStart = "agent-start"
    /// `PUT jobs/:uuid/finish`: an agent finishes its job.
    case agentFinish = "agent-finish"

    /// The `RateLimit-Scope` of its responses.
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
        case .deregisterStack, .listScheduledJobs, .reserveJobs, .getJob, .getJobStates, .issueJobAcquisitionTokens,
            .finishJob, .createNotifications:
            true
        }
    }
}
