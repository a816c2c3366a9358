/// What kind of stack registers itself.
public struct StackType: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The type as it goes on the wire.
    public var rawValue: String

    /// The type with this name, which need not be one of those below.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The type that the literal names.
    public init(stringLiteral value: String) { rawValue = value }

    /// The type as it goes on the wire.
    public var description: String { rawValue }

    /// A stack written by anybody but Buildkite: the one to use.
    public static let custom = StackType(rawValue: "custom")
    /// Buildkite's own controller for Kubernetes.
    public static let kubernetes = StackType(rawValue: "kubernetes")
    /// Buildkite's own Elastic CI Stack.
    public static let elastic = StackType(rawValue: "elastic")
}
