/// Whether Buildkite hears from a stack.
public struct StackState: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The state as it goes on the wire.
    public var rawValue: String

    /// The state with this name, which need not be one of those below.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The state that the literal names.
    public init(stringLiteral value: String) { rawValue = value }

    /// The state as it goes on the wire.
    public var description: String { rawValue }

    /// The stack is registered and polls for jobs.
    public static let connected = StackState(rawValue: "connected")
    /// The stack de-registered itself.
    public static let disconnected = StackState(rawValue: "disconnected")
    /// The stack has not been heard of for some time.
    public static let lost = StackState(rawValue: "lost")
}
