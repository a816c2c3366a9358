/// Decides which jobs match a stack, by their rules and the stack's tags.
///
/// A job matches when each of its rules `key=value` is matched by the stack's tags: the key is there, and one of its
/// values is equal, or the rule's value or the tag's is `*`. The rule `queue` counts as matched, whatever it says: the list
/// is that of a queue, the default one too, and what it holds belongs to that queue.
///
/// A stack that decides by something else has a ``StackController/Configuration/matcher`` of its own.
public struct JobMatcher: Sendable, Hashable {
    /// Whether a stack takes a job.
    public enum Verdict: Sendable, Hashable {
        /// The stack takes the job: every rule is matched.
        case matches
        /// This rule is not matched by the tags.
        case unmatched(rule: String)
        /// This rule has no `=` or no key, so that nobody can match it.
        case invalid(rule: String)
        /// A ``StackController/Configuration/matcher`` does not take the job, for this reason, which is logged.
        case declined(reason: String)
    }

    /// What the stack offers.
    public var tags: [String: TagValues]

    /// A matcher for a stack with `tags`.
    public init(tags: [String: TagValues]) { self.tags = tags }

    /// Whether the rules of a job (`ScheduledJob.agentQueryRules`) match.
    ///
    /// - Returns: An invalid rule before one that is not matched: it is a mistake in the pipeline.
    public func verdict(on rules: [String]) -> Verdict {
        var unmatched: String?
        for rule in rules {
            guard let equals = rule.firstIndex(of: "="), equals > rule.startIndex else { return .invalid(rule: rule) }
            let key = rule[..<equals]
            if key == "queue" { continue }
            let isMatched = tags[String(key)]?.match(rule[rule.index(after: equals)...]) ?? false
            if !isMatched { unmatched = unmatched ?? rule }
        }
        return unmatched.map { .unmatched(rule: $0) } ?? .matches
    }
}
