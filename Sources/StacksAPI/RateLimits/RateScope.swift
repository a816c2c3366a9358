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
struct RateScope: Sendable {
    let name: String
    /// Requests in one second.
    let limit: Int
    let lane: RateLane

    /// Nothing is documented for acquisition tokens: the lowest limit of all, until the first answer.
    static let jobAcquisitionTokens = RateScope(name: "job-acquisition-tokens", limit: 10, lane: .normal)
    static let standard = RateScope(name: "default", limit: 10, lane: .urgent)
    static let listScheduledJobs = RateScope(name: "list-scheduled-jobs", limit: 10, lane: .normal)
    static let batchReserve = RateScope(name: "batch-reserve", limit: 10, lane: .normal)
    static let showJob = RateScope(name: "show-job", limit: 1000, lane: .normal)
    static let batchLoadJobStates = RateScope(name: "batch-load-job-states", limit: 20, lane: .urgent)
    static let finishJob = RateScope(name: "finish-job", limit: 100, lane: .urgent)
    static let stackNotification = RateScope(name: "stack-notification", limit: 200, lane: .background)
}
