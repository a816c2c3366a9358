#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A stack as Buildkite knows it after its registration.
public struct Stack: Sendable, Hashable, Identifiable {
    /// Stands for the organization in ``OrganizationID``.
    public enum Organization {}

    /// The stack's identifier, a UUID.
    public var id: StackID
    /// The organization that the stack belongs to.
    public var organizationUUID: OrganizationID
    /// The queue that the stack takes jobs from.
    public var clusterQueueKey: QueueKey?
    /// The stack's key, unique in the organization.
    public var key: String
    /// What kind of stack it is.
    public var type: StackType
    /// What the stack said of itself.
    public var metadata: [String: String]
    /// When Buildkite last heard from the stack, or `nil` before its first poll.
    public var lastConnectedOn: Date?
    /// Whether Buildkite hears from the stack.
    public var state: StackState

    /// A stack.
    public init(
        id: StackID,
        organizationUUID: OrganizationID,
        clusterQueueKey: QueueKey? = nil,
        key: String,
        type: StackType = .custom,
        metadata: [String: String] = [:],
        lastConnectedOn: Date? = nil,
        state: StackState = .connected
    ) {
        self.id = id
        self.organizationUUID = organizationUUID
        self.clusterQueueKey = clusterQueueKey
        self.key = key
        self.type = type
        self.metadata = metadata
        self.lastConnectedOn = lastConnectedOn
        self.state = state
    }
}
