import StacksAPI
import StacksTransport

/// The token and the base URL, from the command line, or else from the environment or a file.
struct Endpoint {
    /// The variables that may hold the token. The first one that is set and not empty counts.
    static let tokenVariables = ["BUILDKITE_AGENT_TOKEN", "BUILDKITE_CLUSTER_TOKEN"]

    /// The variable by which Buildkite's agent learns the API's address
    /// (<https://buildkite.com/docs/agent/cli/reference/start>). A command and the agents that it starts then use the
    /// same server.
    static let baseURLVariable = "BUILDKITE_AGENT_ENDPOINT"

    /// The token at the start.
    let token: Secret
    /// Where the client gets its token.
    let provider: TokenProvider
    /// The file that the token is from, which is read again.
    let tokenFile: TokenFile?
    /// A line for the log at level debug, or `nil`: the token is not used exactly as given.
    let note: String?
    /// `nil` for Buildkite's own.
    let baseURL: String?

    /// - Parameter fallback: The token's file when neither the options nor the environment have a token.
    /// - Throws: ``Failure`` when there is no token or it cannot be sent, and when the one on the command line is empty:
    ///   the user, perhaps with a variable that is not set, did not ask for another one.
    init(options: GlobalOptions, tokenFileFallback fallback: String? = nil, environment: [String: String]) throws {
        if options.token?.isEmpty == true {
            throw Failure.usage("--token is empty: pass the cluster's agent token ('bkct_…'), or omit the option.")
        }
        var sources: [(name: String, token: Secret, file: TokenFile?)] = []
        if let token = options.token {
            if options.tokenFile != nil { throw Failure.usage("--token and --token-file exclude each other.") }
            sources.append(("--token", Secret(token), nil))
        } else if let path = options.tokenFile {
            sources.append(try Self.file(path))
        }
        if sources.isEmpty {
            sources += Self.tokenVariables.compactMap { name in environment[name].map { (name, Secret($0), nil) } }
        }
        if sources.allSatisfy({ AgentTokenText($0.token).token.value.isEmpty }), let fallback, options.tokenFile == nil
        {
            sources.append(try Self.file(fallback))
        }
        guard let first = sources.first(where: { !AgentTokenText($0.token).token.value.isEmpty }) else {
            if let name = sources.first(where: { $0.file != nil || $0.name == "--token" })?.name {
                throw Failure.usage("the token in \(printable(name)) is empty.")
            }
            throw Failure.usage(
                "no token: set BUILDKITE_AGENT_TOKEN to the cluster's agent token ('bkct_…'), or pass --token."
            )
        }
        let text = AgentTokenText(first.token)
        if let problem = text.problem { throw Failure.usage("the token in \(printable(first.name)) \(problem).") }
        token = text.token
        tokenFile = first.file
        provider = first.file?.provider ?? .fixed(text.token)
        // A file ends with a line break, as it should.
        note =
            text.endedWithLineEnd && first.file == nil
            ? "the token in \(first.name) ends with a line break, which is ignored" : nil
        baseURL = options.baseURL ?? environment[Self.baseURLVariable].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func file(_ path: String) throws -> (name: String, token: Secret, file: TokenFile?) {
        let file = TokenFile(path: path)
        do {
            return (path, try file.token(), file)
        } catch let error as ConfigurationError {
            throw Failure(error)
        }
    }
}
