import StacksAPI

/// Who speaks, and to where: the token and the base URL, from the command line or else from the environment.
struct Endpoint {
    /// The variables that may hold the token, the first that is set and not empty counts.
    static let tokenVariables = ["BUILDKITE_AGENT_TOKEN", "BUILDKITE_CLUSTER_TOKEN"]

    /// The variable by which Buildkite's agent learns the API's address
    /// (<https://buildkite.com/docs/agent/cli/reference/start>). Reading it here too means that a command and the
    /// agents it starts speak to the same server.
    static let baseURLVariable = "BUILDKITE_AGENT_ENDPOINT"

    let token: Secret
    /// `nil` for Buildkite's own.
    let baseURL: String?

    /// - Throws: ``Failure`` when there is no token, and when the one on the command line is empty: whoever gave it,
    ///   with a variable that is not set for example, did not ask for another one.
    init(options: GlobalOptions, environment: [String: String]) throws {
        if options.token?.isEmpty == true {
            throw Failure.usage("--token is empty: give the cluster's agent token ('bkct_…'), or leave the option out.")
        }
        let tokens = [options.token] + Self.tokenVariables.map { environment[$0] }
        guard let token = tokens.lazy.compactMap({ $0 }).first(where: { !$0.isEmpty }) else {
            throw Failure.usage(
                "no token: set BUILDKITE_AGENT_TOKEN to the cluster's agent token ('bkct_…'), or give --token."
            )
        }
        self.token = Secret(token)
        baseURL = options.baseURL ?? environment[Self.baseURLVariable].flatMap { $0.isEmpty ? nil : $0 }
    }
}
