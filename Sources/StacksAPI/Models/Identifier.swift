#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// The identifier of a `Resource`, a job's UUID for example.
///
/// Buildkite's identifiers are UUIDs in their canonical form: 36 characters, lowercase. Such a one is kept as its 16
/// bytes, without any allocation. The case of its letters means nothing: an uppercase UUID names the same resource and
/// comes out in lowercase, as the server writes it. Any other string is an identifier too and is kept as it is.
///
/// The order is that of the strings.
public struct Identifier<Resource>: Sendable, Hashable {
    let storage: IdentifierStorage

    init(storage: IdentifierStorage) { self.storage = storage }

    /// The identifier that `string` spells.
    public init(_ string: String) { storage = IdentifierStorage(string) }

    /// The identifier of a UUID in its canonical, lowercase form.
    public init(_ uuid: UUID) { storage = IdentifierStorage(uuid) }

    /// The identifier as a UUID, or `nil` when it is not one.
    public var uuid: UUID? { storage.uuid }

    // The underscore makes this no less stable: it is a requirement of `Hashable` itself, with a default, and so part
    // of the library's stable interface. A library that stopped asking for it would place identifiers by `hash(into:)`,
    // which is slower and no less right: both say the same of equal identifiers. Fed with one word instead of two,
    // `hash(into:)` still costs three times the instructions of filling a table this way.
    /// What the standard library's tables place an identifier by; see `hash(into:)`, which says the same to others.
    public func _rawHashValue(seed: Int) -> Int { storage._rawHashValue(seed: seed) }

    /// Whether the identifier is the empty string, which names nothing.
    public var isEmpty: Bool { storage.isEmpty }
}

extension Identifier: Comparable {
    /// Orders identifiers as their strings are ordered.
    public static func < (lhs: Identifier, rhs: Identifier) -> Bool { lhs.storage < rhs.storage }
}

extension Identifier: LosslessStringConvertible, CustomDebugStringConvertible {
    /// The identifier's string, as it goes on the wire.
    public var description: String { storage.string }

    /// The same as ``description``.
    public var debugDescription: String { storage.string }
}

extension Identifier: CustomReflectable {
    /// Shows the string instead of how it is stored.
    public var customMirror: Mirror { Mirror(self, children: ["string": storage.string]) }
}

extension Identifier: ExpressibleByStringLiteral {
    /// The identifier that the literal spells.
    public init(stringLiteral value: String) { self.init(value) }
}

/// The identifier of a job.
public typealias JobID = Identifier<ScheduledJob>
/// The identifier of a build.
public typealias BuildID = Identifier<ScheduledJob.Build>
/// The identifier of a pipeline.
public typealias PipelineID = Identifier<ScheduledJob.Pipeline>
/// The identifier of a registered stack.
public typealias StackID = Identifier<Stack>
/// The identifier of an organization.
public typealias OrganizationID = Identifier<Stack.Organization>
/// The identifier of a cluster's queue.
public typealias ClusterQueueID = Identifier<ScheduledJobsPage.ClusterQueue>
