/// The key of a cluster's queue, `"linux-large"` for example.
public struct QueueKey: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The key as it goes on the wire.
    public var rawValue: String

    /// The queue with this key.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The queue with this key.
    public init(_ rawValue: String) { self.rawValue = rawValue }

    /// The queue that the literal names.
    public init(stringLiteral value: String) { rawValue = value }

    /// The key as it goes on the wire.
    public var description: String { rawValue }

    /// The cluster's default queue, `_default` on the wire.
    ///
    /// Buildkite's Go client and its Kubernetes controller send this key; the documentation of the Stacks API writes
    /// `__default__`.
    public static let `default` = QueueKey("_default")
}
