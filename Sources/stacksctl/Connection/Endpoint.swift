import StacksAPI

/// The token and the base URL, from the command line or else from the environment.
struct Endpoint {
    /// The variables that may hold the token. The first one that is set and not empty counts.
    static let tokenVariables = ["BUILDKITE_AGENT_TOKEN", "BUILDKITE_CLUSTER_TOKEN"]

    /// The variable by which Buildkite's agent learns the API's address
    /// (<https://buildkite.com/docs/agent/cli/reference/start>). A command and the agents that it starts then use the
    /// same server.
    static let baseURLVariable = "BUILDKITE_AGENT_ENDPOINT"

    let token: Secret
    /// A line for the log at level debug, or `nil`: the token is not used exactly as given.
    let note: String?
    /// `nil` for Buildkite's own.
    let baseURL: String?

    /// - Throws: ``Failure`` when there is no token or it cannot be sent, and when the one on the command line is empty:
    ///   the user, perhaps with a variable that is not set, did not ask for another one.
    init(options: GlobalOptions, environment: [String: String]) throws {
        let given = options.token.map { AgentTokenText(Secret($0)) }
        if given?.token.value.isEmpty == true {
            throw Failure.usage("--token is empty: pass the cluster's agent token ('bkct_…'), or omit the option.")
        }
        let sources =
            [("--token", given)] + Self.tokenVariables.map { ($0, environment[$0].map { AgentTokenText(Secret($0)) }) }
        let first = sources.lazy.compactMap { name, text in text.map { (name: name, text: $0) } }
            .first { !$0.text.token.value.isEmpty }
        guard let first else {
            throw Failure.usage(
                "no token: set BUILDKITE_AGENT_TOKEN to the cluster's agent token ('bkct_…'), or pass --token."
            )
        }
        if let problem = first.text.problem { throw Failure.usage("the token in \(first.name) \(problem).") }
        token = first.text.token
        note =
            first.text.endedWithLineEnd
            ? "the token in \(first.name) ends with a line break, which is ignored" : nil
        baseURL = options.baseURL ?? environment[Self.baseURLVariable].flatMap { $0.isEmpty ? nil : $0 }
    }
}
