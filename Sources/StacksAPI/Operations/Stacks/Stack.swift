#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A stack as Buildkite knows it after its registration.
public struct Stack: Sendable, Hashable, Identifiable {
    /// The organization, as the type of ``OrganizationID``.
    public enum Organization {}

    /// The stack's identifier, a UUID.
    public var id: StackID
    /// The organization that the stack belongs to.
    public var organizationUUID: OrganizationID
    /// The queue that the stack takes jobs from.
    public var clusterQueueKey: QueueKey?
    /// The stack's key, unique in the organization.
    public var key: String
    /// The kind of stack.
    public var type: StackType
    /// The metadata that the stack registered.
    public var metadata: [String: String]
    /// When the stack last polled; `nil` before its first poll.
    public var lastConnectedOn: Date?
    /// Whether the stack is connected.
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

/// The identifier of a registered stack.
public typealias StackID = Identifier<Stack>
/// The identifier of an organization.
public typealias OrganizationID = Identifier<Stack.Organization>

/// Whether a stack is connected to Buildkite.
public struct StackState: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The state as the API spells it.
    public var rawValue: String

    /// The state with this name, which may be one that this package does not know.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The state that the literal names.
    public init(stringLiteral value: String) { rawValue = value }

    /// The state as the API spells it.
    public var description: String { rawValue }

    /// The stack is registered and polls for jobs.
    public static let connected = StackState(rawValue: "connected")
    /// The stack was deregistered.
    public static let disconnected = StackState(rawValue: "disconnected")
    /// The stack has not polled for some time.
    public static let lost = StackState(rawValue: "lost")
}

/// The kind of a stack.
public struct StackType: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The type as the API spells it.
    public var rawValue: String

    /// The type with this name, which may be one that this package does not know.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The type that the literal names.
    public init(stringLiteral value: String) { rawValue = value }

    /// The type as the API spells it.
    public var description: String { rawValue }

    /// A stack that is not Buildkite's own: the type to use.
    public static let custom = StackType(rawValue: "custom")
    /// Buildkite's own controller for Kubernetes.
    public static let kubernetes = StackType(rawValue: "kubernetes")
    /// Buildkite's own Elastic CI Stack.
    public static let elastic = StackType(rawValue: "elastic")
}

/// The key of a cluster's queue, `"linux-large"` for example.
public struct QueueKey: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The key as the API spells it.
    public var rawValue: String

    /// The queue with this key.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The queue with this key.
    public init(_ rawValue: String) { self.rawValue = rawValue }

    /// The queue that the literal names.
    public init(stringLiteral value: String) { rawValue = value }

    /// The key as the API spells it.
    public var description: String { rawValue }

    /// The cluster's default queue, `_default` on the wire.
    ///
    /// Buildkite's Go client and its Kubernetes controller send this key; the documentation of the Stacks API writes
    /// `__default__`.
    public static let `default` = QueueKey("_default")
}

extension Stack {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> Stack {
        var id: StackID?
        var organization: OrganizationID?
        var queue: String?
        var key: String?
        var type: String?
        var metadata: [String: String] = [:]
        var lastConnectedOn: Date?
        var state: String?
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "id": id = try reader.optionalIdentifier()
            case "organization_uuid": organization = try reader.optionalIdentifier()
            case "cluster_queue_key": queue = try reader.stringOrNil()
            case "key": key = try reader.optionalString()
            case "type": type = try reader.optionalString()
            case "metadata": metadata = try reader.valueIfReadable(readMetadata) ?? [:]
            case "last_connected_on": lastConnectedOn = try reader.dateOrNil()
            case "state": state = try reader.optionalString()
            default: try reader.skip()
            }
        }
        return Stack(
            id: try id.required("id", in: object),
            organizationUUID: try organization.required("organization_uuid", in: object),
            clusterQueueKey: queue.map { QueueKey($0) },
            key: try key.required("key", in: object),
            type: StackType(rawValue: try type.required("type", in: object)),
            metadata: metadata,
            lastConnectedOn: lastConnectedOn,
            state: StackState(rawValue: try state.required("state", in: object))
        )
    }

    /// The metadata, without values that are not strings.
    private static func readMetadata(_ reader: inout JSONReader) throws(JSONError) -> [String: String] {
        var metadata: [String: String] = [:]
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = key.string
            metadata[name] = try reader.stringOrNil()
        }
        return metadata
    }
}
