/// A credential that never prints itself: descriptions, debuggers and dumps show `[redacted]`.
///
/// Read it with ``value`` where it is used.
public struct Secret: Sendable, Hashable {
    /// The credential itself.
    public let value: String

    /// A credential.
    public init(_ value: String) { self.value = value }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `[redacted]`.
    public var description: String { Self.placeholder }

    /// `[redacted]`.
    public var debugDescription: String { Self.placeholder }

    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }

    static let placeholder = "[redacted]"
}
