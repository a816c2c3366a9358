/// The numbers of requests.
struct RequestCounts {
    /// How many misplaced tokens are kept. The others are counted.
    static let keptTokens = 100

    private(set) var byOperation: [SimulatedOperation: Int] = [:]
    private(set) var byStatus: [Int: Int] = [:]
    private(set) var rateLimited: [SimulatedOperation: Int] = [:]
    private(set) var faults = 0
    /// Calls above a rate limit, refused or not.
    private(set) var overLimit: [SimulatedOperation: Int] = [:]
    /// The first tokens that were where none may be.
    private(set) var misplacedTokens: [MisplacedToken] = []
    private(set) var misplacedTokenCount = 0

    mutating func add(_ operation: SimulatedOperation?, status: Int?, _ notes: RequestNotes) {
        if let status { byStatus[status, default: 0] += 1 }
        if notes.hadFault { faults += 1 }
        guard let operation else { return }
        byOperation[operation, default: 0] += 1
        if notes.isRateLimited { rateLimited[operation, default: 0] += 1 }
        if notes.isOverLimit { overLimit[operation, default: 0] += 1 }
    }

    mutating func add(_ token: MisplacedToken) {
        if misplacedTokens.count < Self.keptTokens { misplacedTokens.append(token) }
        misplacedTokenCount += 1
    }
}

extension SimulatorState {
    /// The numbers of an organization's requests, or of all of them.
    func counts(of organization: Int?) -> RequestCounts {
        organization.map { organizationCounts[$0] ?? RequestCounts() } ?? counts
    }

    /// Changes the numbers of all requests, and those of an organization's.
    mutating func count(_ organization: Int?, _ change: (inout RequestCounts) -> Void) {
        change(&counts)
        if let organization { change(&organizationCounts[organization, default: RequestCounts()]) }
    }
}
