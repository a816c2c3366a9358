/// The value of an answer that carries none.
public struct NoContent: Sendable, Hashable {
    /// Nothing.
    public init() {}
}
