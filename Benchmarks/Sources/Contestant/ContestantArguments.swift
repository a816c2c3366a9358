/// What a contestant is started with: `--url ORIGIN --ca-file FILE`, and flags of its own.
package struct ContestantArguments: Sendable {
    /// Scheme, host and port of the server.
    package var origin = "https://127.0.0.1"
    /// The authority to trust, in PEM format.
    package var authorityFile = ""
    /// Whatever else was given.
    package var flags: Set<String> = []

    package init(_ arguments: [String] = Array(CommandLine.arguments.dropFirst())) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--url": origin = rest.popFirst() ?? origin
            case "--ca-file": authorityFile = rest.popFirst() ?? authorityFile
            default: flags.insert(argument)
            }
        }
    }

    /// The base URL of the API.
    package var baseURL: String { "\(origin)/v3" }
}
