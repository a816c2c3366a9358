import StacksAPI

/// What the machine asks of Buildkite. The response comes back as an event, which carries what was requested.
enum ControllerRequest: Sendable {
    case register
    case poll(limit: Int, after: String?)
    case reserve([JobID])
    /// Reserve again what is reserved already, so that the reservation does not expire.
    case renew([JobID])
    /// Reserve again for one second: the job is scheduled again when that is over.
    case giveBack([JobID])
    case issueTokens([JobID])
    case queryStates(StateQuery)
    /// Finish a job, and do not try for longer than `within`: after that it may be another stack's.
    case finish(JobID, exitStatus: Int, detail: String, within: Duration)
    case deregister
}

/// The kinds of requests, as they are named to people.
enum ControllerCall: String, Sendable, Hashable, CustomStringConvertible {
    case register, poll, reserve, renew, finish, deregister
    case giveBack = "give back"
    case issueTokens = "issue tokens"
    case queryStates = "get states"

    var description: String { rawValue }

    /// A name without blanks, fit for a metric's label.
    var label: String { rawValue.split(separator: " ").joined(separator: "_") }
}
