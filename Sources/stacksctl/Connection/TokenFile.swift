import StacksAPI
import StacksTransport

/// A file that holds the agent token and nothing else. It can be replaced at any time.
struct TokenFile: Sendable {
    /// More than a token can have, with the line breaks after it.
    private static let maximumSize = 16_384

    let file: RegularFile

    init(path: String) { file = RegularFile("the token file", path: path, limit: Self.maximumSize) }

    /// What the file holds now.
    ///
    /// - Throws: `ConfigurationError` when it cannot be read.
    func token() throws -> Secret { Secret(try file.text()) }

    /// Reads the file again each time the client needs a token.
    var provider: TokenProvider { TokenProvider { try token() } }
}
