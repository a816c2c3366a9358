#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A request that a simulator has had, and what became of it. No token is part of it.
public struct SimulatedRequest: Sendable, Hashable {
    /// Its number, from 1 on.
    public var number: Int
    /// When it came, by the simulator's clock.
    public var date: Date
    /// What was asked for, or `nil` when there is no such path.
    public var operation: SimulatedOperation?
    /// The method, `PUT` for example.
    public var method: String
    /// The path without its query, as it was sent; a token in it is replaced by `[token]`, and a long one is cut.
    public var path: String
    /// The slug of the organization whose token it had, or whose job its agent is for, or `nil`.
    public var organization: String?
    /// The key of the stack in its path, or `nil`.
    public var stack: String?
    /// The UUID of the registered agent whose access token it had, or `nil`.
    public var agent: String?
    /// The UUIDs of the jobs that it was about, whether they exist or not.
    public var jobs: [String]
    /// The status of the response, or `nil` when a fault kept it from arriving.
    public var status: Int?
    /// The message of an error, or `nil`. It is not that of a fault.
    public var message: String?
    /// Whether a fault applied to it.
    public var hadFault: Bool

    /// What a request must be to be in a part of the journal. What is `nil` does not matter.
    public struct Filter: Sendable, Hashable {
        /// What was asked for.
        public var operation: SimulatedOperation?
        /// The slug of the organization.
        public var organization: String?
        /// The key of the stack.
        public var stack: String?
        /// The UUID of the registered agent.
        public var agent: String?
        /// The UUID of one of its jobs.
        public var job: String?
        /// The status of the response.
        public var status: Int?
        /// When it came at the earliest.
        public var since: Date?
        /// The number of the last request that is not wanted any more.
        public var after: Int?

        /// All requests.
        public init() {}

        func includes(_ request: SimulatedRequest) -> Bool {
            if let operation, request.operation != operation { return false }
            if let organization, request.organization != organization { return false }
            if let stack, request.stack != stack { return false }
            if let agent, request.agent != agent.lowercased() { return false }
            if let job, !request.jobs.contains(job.lowercased()) { return false }
            if let status, request.status != status { return false }
            if let since, request.date < since { return false }
            if let after, request.number <= after { return false }
            return true
        }
    }
}

extension StacksSimulator {
    /// The requests so far, oldest first, or some of them. The oldest ones are gone when there were more than
    /// ``Configuration/journalLimit``.
    public func requests(_ filter: SimulatedRequest.Filter = .init()) -> [SimulatedRequest] {
        withState { state, _ in state.journal.kept.filter(filter.includes) }
    }

    /// A part of the journal.
    ///
    /// - Parameters:
    ///   - limit: How many requests there are at most.
    ///   - newest: Whether they are the last ones, and not the first ones.
    /// - Returns: The requests, oldest first, whether there are more of them, and how many the journal has dropped.
    package func requests(
        _ filter: SimulatedRequest.Filter, limit: Int, newest: Bool
    ) -> (requests: [SimulatedRequest], hasMore: Bool, dropped: Int) {
        withState { state, _ in
            var found: [SimulatedRequest] = []
            // One more than are wanted, which says that there are more.
            func collect(_ requests: some Sequence<SimulatedRequest>) {
                for request in requests where filter.includes(request) {
                    found.append(request)
                    if found.count > limit { return }
                }
            }
            if newest { collect(state.journal.kept.reversed()) } else { collect(state.journal.kept) }
            let wanted = Array(found.prefix(limit))
            return (newest ? wanted.reversed() : wanted, found.count > limit, state.journal.dropped)
        }
    }

    /// How many requests are no longer in the journal.
    public var droppedRequests: Int { withState { state, _ in state.journal.dropped } }
}

/// The last requests.
struct RequestJournal {
    /// How many jobs the kept requests may name together, for each request that may be kept.
    private static let jobsPerRequest = 20

    private let limit: Int
    private var entries: [SimulatedRequest] = []
    /// The index of the oldest one that is kept.
    private var first = 0
    private var jobCount = 0

    init(limit: Int) { self.limit = max(0, limit) }

    /// How many were dropped.
    private(set) var dropped = 0

    var kept: ArraySlice<SimulatedRequest> { entries[first...] }
    /// The number of the next request.
    var nextNumber: Int { dropped + entries.count - first + 1 }

    mutating func append(_ request: SimulatedRequest) {
        entries.append(request)
        jobCount += request.jobs.count
        while entries.count - first > limit || jobCount > limit * Self.jobsPerRequest, first < entries.count {
            jobCount -= entries[first].jobs.count
            entries[first].jobs = []
            first += 1
            dropped += 1
        }
        // So that each one is moved once on average.
        if first > max(64, limit) {
            entries.removeFirst(first)
            first = 0
        }
    }
}
