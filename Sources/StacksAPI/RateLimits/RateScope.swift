/// Who goes first when requests of several kinds wait for the same limit.
enum RateLane: UInt8, Comparable, Sendable {
    /// What ends or watches over jobs.
    case urgent
    case normal
    /// What only people read.
    case background

    static func < (lhs: RateLane, rhs: RateLane) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// The rate limit of an operation as it is documented
/// (<https://buildkite.com/docs/apis/agent-api/stacks>), until an answer tells another.
enum RateScope: Sendable {
    case standard, listScheduledJobs, batchReserve, showJob, batchLoadJobStates, finishJob, stackNotification
    case jobAcquisitionTokens

    var name: String {
        switch self {
        case .standard: "default"
        case .listScheduledJobs: "list-scheduled-jobs"
        case .batchReserve: "batch-reserve"
        case .showJob: "show-job"
        case .batchLoadJobStates: "batch-load-job-states"
        case .finishJob: "finish-job"
        case .stackNotification: "stack-notification"
        case .jobAcquisitionTokens: "job-acquisition-tokens"
        }
    }

    /// Requests in one second.
    var limit: Int {
        switch self {
        case .standard, .listScheduledJobs, .batchReserve: 10
        case .showJob: 1000
        case .batchLoadJobStates: 20
        case .finishJob: 100
        case .stackNotification: 200
        // Nothing is documented for acquisition tokens: the lowest limit of all, until the first answer.
        case .jobAcquisitionTokens: 10
        }
    }

    var lane: RateLane {
        switch self {
        case .standard, .batchLoadJobStates, .finishJob: .urgent
        case .listScheduledJobs, .batchReserve, .showJob, .jobAcquisitionTokens: .normal
        case .stackNotification: .background
        }
    }
}
