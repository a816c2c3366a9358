public import StacksAPI

/// Says which jobs suit a stack.
///
/// A job suits when each of its rules `key=value` is matched by the stack's tags: the key is there, and the value is
/// equal or the rule's value is `*`. When the stack serves a named queue, the rule `queue` counts as matched, because
/// the queue alone decided that the job was listed.
public struct JobMatcher: Sendable, Hashable {
    /// What a job's rules come to.
    public enum Verdict: Sendable, Hashable {
        /// Every rule is matched.
        case suits
        /// This rule is not matched by the tags.
        case unmatched(rule: String)
        /// This rule has no `=` or no key, so that nobody can match it.
        case invalid(rule: String)
    }

    /// What the stack offers.
    public var tags: [String: String]

    /// Whether the stack serves a queue by name, and not the default one.
    public var servesNamedQueue: Bool

    /// A matcher for a stack that serves `queue` with `tags`.
    public init(tags: [String: String], queue: QueueKey) {
        self.tags = tags
        servesNamedQueue = queue != .default
    }

    /// What the rules of a job (`ScheduledJob.agentQueryRules`) come to.
    ///
    /// An invalid rule is reported before one that is not matched: it is a mistake in the pipeline.
    public func verdict(on rules: [String]) -> Verdict {
        var unmatched: String?
        for rule in rules {
            guard let equals = rule.firstIndex(of: "="), equals > rule.startIndex else { return .invalid(rule: rule) }
            let key = rule[..<equals]
            let value = rule[rule.index(after: equals)...]
            if key == "queue", servesNamedQueue { continue }
            let tag = tags[String(key)]
            if tag == nil || (value != "*" && tag! != value) { unmatched = unmatched ?? rule }
        }
        return unmatched.map { .unmatched(rule: $0) } ?? .suits
    }
}
