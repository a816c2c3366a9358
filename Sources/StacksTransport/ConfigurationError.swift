/// Why a transport, a controller or a launcher cannot be made: a value of its configuration is invalid, or the system
/// lacks what it needs, such as a thread or a recent libcurl.
///
/// Nothing was sent. The same configuration fails again, so a person has to change something first.
public struct ConfigurationError: Error, Sendable, Hashable {
    /// What is wrong: the value, and what it must be.
    public var message: String

    /// An error with `message`, which names the value and holds no secret.
    public init(_ message: String) { self.message = message }
}

extension ConfigurationError: CustomStringConvertible {
    /// The message on one line, of bounded length, with an escape for each invisible character.
    public var description: String { VisibleText.escaped(message, limit: 4 * VisibleText.lineLimit) }
}
