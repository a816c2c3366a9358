/// The values of one tag of a stack: one, several, or any.
///
/// A literal is enough in most cases:
///
/// ```swift
/// configuration.tags = ["os": "macos", "xcode": ["16.3", "16.4"], "image": .any]
/// ```
public struct TagValues: Sendable, Hashable {
    private let values: [String]

    /// One value. `*` stands for any.
    public init(_ value: String) { values = [value] }

    /// Several values, any of which matches. `*` among them stands for any.
    public init(_ values: some Sequence<String>) { self.values = Set(values).sorted() }

    /// Any value.
    public static let any = TagValues("*")

    /// Whether there is no value, so that no rule can match.
    public var isEmpty: Bool { values.isEmpty }

    /// Whether the tag matches a rule with this value. The rule's value `*` matches every tag that has a value.
    public func match(_ value: some StringProtocol) -> Bool {
        value == "*" ? !values.isEmpty : values.contains { $0 == value || $0 == "*" }
    }
}

extension TagValues: ExpressibleByStringInterpolation, ExpressibleByArrayLiteral {
    /// The value in the literal.
    public init(stringLiteral value: String) { self.init(value) }

    /// The values in the literal.
    public init(arrayLiteral elements: String...) { self.init(elements) }
}
