import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `GET requests`.
struct JournalDocument: Codable {
    struct Entry: Codable {
        var number: Int
        var at: Date
        @Nullable var operation: String?
        var method: String
        var path: String
        @Nullable var organization: String?
        @Nullable var stack: String?
        @Nullable var agent: String?
        var jobs: [String]
        @Nullable var status: Int?
        @Nullable var message: String?
        var fault: Bool
    }

    var requests: [Entry]
    var has_more: Bool
    /// How many are no longer kept.
    var dropped: Int

    init(_ found: [SimulatedRequest], hasMore: Bool, dropped: Int) {
        requests = found.map { request in
            Entry(
                number: request.number, at: request.date, operation: request.operation?.rawValue,
                method: request.method, path: request.path, organization: request.organization, stack: request.stack,
                agent: request.agent, jobs: request.jobs, status: request.status, message: request.message,
                fault: request.hadFault)
        }
        has_more = hasMore
        self.dropped = dropped
    }
}

/// `GET checks`.
struct ChecksDocument: Codable {
    struct Check: Codable {
        var rule: String
        var holds: Bool
        /// The jobs of the violations.
        var jobs: [String]
        /// As many as were asked for at most.
        var violations: [Violation]
        /// How many there are.
        var violation_count: Int
    }

    struct Violation: Codable {
        @Nullable var job: String?
        var explanation: String
    }

    /// Whether all hold.
    var hold: Bool
    var checks: [Check]

    init(_ checks: [(check: SimulatorCheck, violationCount: Int)]) {
        hold = checks.allSatisfy(\.check.holds)
        self.checks = checks.map { check, count in
            Check(
                rule: check.rule.rawValue, holds: check.holds, jobs: check.jobs,
                violations: check.violations.map { Violation(job: $0.job, explanation: $0.explanation) },
                violation_count: count)
        }
    }
}
