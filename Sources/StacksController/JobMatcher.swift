/// Decides which jobs match a stack.
///
/// A job matches when each of its rules `key=value` is matched by the stack's tags: the key is there, and the value is
/// equal or the rule's value is `*`. The rule `queue` counts as matched, whatever it says: the list is that of a queue, the
/// default one too, and what it holds belongs to that queue.
public struct JobMatcher: Sendable, Hashable {
    /// What a job's rules come to.
    public enum Verdict: Sendable, Hashable {
        /// Every rule is matched.
        case matches
        /// This rule is not matched by the tags.
        case unmatched(rule: String)
        /// This rule has no `=` or no key, so that nobody can match it.
        case invalid(rule: String)
    }

    /// What the stack offers.
    public var tags: [String: String]

    /// A matcher for a stack with `tags`.
    public init(tags: [String: String]) { self.tags = tags }

    /// What the rules of a job (`ScheduledJob.agentQueryRules`) come to.
    ///
    /// An invalid rule is reported before one that is not matched: it is a mistake in the pipeline.
    public func verdict(on rules: [String]) -> Verdict {
        var unmatched: String?
        for rule in rules {
            guard let equals = rule.firstIndex(of: "="), equals > rule.startIndex else { return .invalid(rule: rule) }
            let key = rule[..<equals]
            let value = rule[rule.index(after: equals)...]
            if key == "queue" { continue }
            let tag = tags[String(key)]
            if tag == nil || (value != "*" && tag! != value) { unmatched = unmatched ?? rule }
        }
        return unmatched.map { .unmatched(rule: $0) } ?? .matches
    }
}
