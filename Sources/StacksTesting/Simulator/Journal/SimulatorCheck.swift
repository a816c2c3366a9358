/// Whether what happened on a simulator kept a rule that every stack must keep.
public struct SimulatorCheck: Sendable, Hashable {
    /// A rule.
    public enum Rule: String, Sendable, Hashable, CaseIterable {
        /// No job was launched twice.
        case launchedOnce = "launched-once"
        /// No job was reserved, let go of without giving it back, and not taken up again. Nor is a job lost that a stack or
        /// an agent still has.
        case noneLost = "none-lost"
        /// No call was above its rate limit, whether limits are enforced or not.
        case withinLimits = "within-limits"
        /// Every reservation led to a launch or an end of the job, was renewed, or was given back by making it shorter. None
        /// simply expired.
        case reservationsUsed = "reservations-used"
        /// No token was in a path, a header field other than `Authorization`, a body or a log.
        case tokensInPlace = "tokens-in-place"
    }

    /// How a rule was broken.
    public struct Violation: Sendable, Hashable {
        /// The UUID of the job, or `nil` when it is not about a job.
        public var job: String?
        /// What happened, without any token.
        public var explanation: String
    }

    /// The rule.
    public var rule: Rule
    /// How it was broken. At most 100 tokens are listed.
    public var violations: [Violation]

    /// Whether the rule was kept.
    public var holds: Bool { violations.isEmpty }
    /// The UUIDs of the jobs for which it was broken, each once.
    public var jobs: [String] {
        var seen = Set<String>()
        return violations.compactMap(\.job).filter { seen.insert($0).inserted }
    }
}

extension StacksSimulator {
    /// The checks of what has happened so far, one for each rule. They can be asked for at any time, and best when the
    /// stack has stopped.
    public var checks: [SimulatorCheck] {
        withState { state, _ in state.checks(of: nil).map(\.check) }
    }

    /// The checks of what has happened to an organization's jobs, and of the requests with its tokens.
    ///
    /// - Returns: One for each rule, or `nil` when there is no such organization.
    public func checks(organization slug: String) -> [SimulatorCheck]? {
        withState { state, _ in state.organization(slug).map { state.checks(of: $0).map(\.check) } }
    }

    /// The checks of all, or of an organization, with at most `limit` violations each, and how many there are.
    package func checks(
        organization slug: String?, limit: Int
    ) -> [(check: SimulatorCheck, violationCount: Int)] {
        withState { state, _ in
            let organization = slug.flatMap { state.organization($0) }
            return slug != nil && organization == nil ? [] : state.checks(of: organization, limit: limit)
        }
    }
}

extension SimulatorState {
    fileprivate mutating func checks(
        of organization: Int?, limit: Int = .max
    ) -> [(check: SimulatorCheck, violationCount: Int)] {
        lookForTokensInLogs()
        return SimulatorCheck.Rule.allCases.map { rule in
            let (first, count) = violations(of: rule, organization: organization, limit: limit)
            return (SimulatorCheck(rule: rule, violations: first), count)
        }
    }

    /// The first violations of a rule, and how many there are.
    private func violations(
        of rule: SimulatorCheck.Rule, organization: Int?, limit: Int
    ) -> (first: [SimulatorCheck.Violation], count: Int) {
        switch rule {
        case .launchedOnce:
            return eachJob(of: organization, limit: limit) { record in
                let (launches, starts) = (record.job.launches, record.job.starts)
                return launches > 1 || starts > 1 ? "launched \(launches) times, started \(starts) times" : nil
            }
        case .noneLost: return eachJob(of: organization, limit: limit, wasLost)
        case .withinLimits:
            let counts = counts(of: organization).overLimit.sorted { $0.key.rawValue < $1.key.rawValue }
            let all = counts.map { operation, count in
                SimulatorCheck.Violation(job: nil, explanation: "\(count) of \(operation.rawValue) above the limit")
            }
            return (Array(all.prefix(limit)), all.count)
        case .reservationsUsed:
            return eachJob(of: organization, limit: limit) { record in
                record.unusedReservations > 0 ? "reservations that expired unused: \(record.unusedReservations)" : nil
            }
        case .tokensInPlace:
            let counts = counts(of: organization)
            let logs = tokensInLogs.sorted { $0.key < $1.key }
                .filter { organization == nil || jobs[$0.key].organization == organization }.flatMap(\.value)
            let found = (counts.misplacedTokens + logs).map {
                SimulatorCheck.Violation(job: $0.job, explanation: $0.explanation)
            }
            let more = counts.misplacedTokenCount - counts.misplacedTokens.count
            let others =
                more > 0 ? [SimulatorCheck.Violation(job: nil, explanation: "\(more) more in requests")] : []
            return (Array((found + others).prefix(limit)), found.count + others.count)
        }
    }

    private func eachJob(
        of organization: Int?, limit: Int, _ violation: (JobRecord) -> String?
    ) -> (first: [SimulatorCheck.Violation], count: Int) {
        var (first, count): ([SimulatorCheck.Violation], Int) = ([], 0)
        for record in jobs where organization == nil || record.organization == organization {
            guard let explanation = violation(record) else { continue }
            if first.count < limit { first.append(.init(job: record.job.id, explanation: explanation)) }
            count += 1
        }
        return (first, count)
    }

    private func wasLost(_ record: JobRecord) -> String? {
        if record.job.state == .scheduled, record.lastReservationWasUnused {
            return "its reservation expired, and no stack has reserved it again"
        }
        if record.job.state == .reserved, let stack = record.job.reservedBy,
            organizations[record.organization].stacks[stack]?.isRegistered != true
        {
            return "reserved by a stack that is no longer registered"
        }
        return nil
    }
}
