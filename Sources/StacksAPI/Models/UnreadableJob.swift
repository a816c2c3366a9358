/// A job of a page that could not be read, and was left out: its date is empty, for example, or one of its rules null.
public struct UnreadableJob: Sendable, Hashable {
    /// Where it stands in the list that the server sent, counted from 0.
    public var position: Int
    /// Its identifier, as far as that could be read.
    public var id: JobID?
    /// The field that is not what it should be, `scheduled_at` or `agent_query_rules[0]` for example; empty when the job
    /// is no object at all.
    public var field: String
    /// What is wrong with it, in words, without any value of the job.
    public var reason: String

    /// A job that could not be read.
    public init(position: Int, id: JobID? = nil, field: String, reason: String) {
        self.position = position
        self.id = id
        self.field = field
        self.reason = reason
    }
}

extension UnreadableJob: CustomStringConvertible {
    /// Position, field and reason on one line.
    public var description: String {
        "jobs[\(position)]\(field.isEmpty ? "" : ".\(field)"): \(reason)"
    }
}
