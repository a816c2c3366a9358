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

/// What an ``Identifier`` holds, apart from it so that this code exists once and not per resource.
enum IdentifierStorage: Sendable {
    /// The two halves of a canonical UUID, most significant byte first.
    case uuid(high: UInt64, low: UInt64)
    /// Any string that is not a UUID.
    case text(String)

    init(_ string: String) {
        var string = string
        self =
            string.withUTF8 { bytes in
                IdentifierStorage(uuid: bytes.baseAddress.map(UnsafeRawPointer.init), count: bytes.count)
            } ?? .text(string)
    }

    init(_ uuid: UUID) {
        self = withUnsafeBytes(of: uuid.uuid) { bytes in
            .uuid(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    /// The UUID that the `count` bytes spell in its usual form, in either case, or `nil` when they do not.
    init?(uuid bytes: UnsafeRawPointer?, count: Int) {
        guard count == CanonicalUUID.length, let bytes, let halves = CanonicalUUID.parse(bytes) else { return nil }
        self = .uuid(high: halves.high, low: halves.low)
    }

    var string: String {
        switch self {
        case .text(let text):
            return text
        case .uuid(let high, let low):
            return String(unsafeUninitializedCapacity: CanonicalUUID.length) { buffer in
                CanonicalUUID.write(high: high, low: low, to: UnsafeMutableRawPointer(buffer.baseAddress!))
                return CanonicalUUID.length
            }
        }
    }

    var uuid: UUID? {
        guard case .uuid(let high, let low) = self else { return nil }
        var value: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &value) { bytes in
            bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return UUID(uuid: value)
    }

    var isEmpty: Bool {
        guard case .text(let text) = self else { return false }
        return text.isEmpty
    }
}

extension IdentifierStorage: Hashable {
    static func == (lhs: IdentifierStorage, rhs: IdentifierStorage) -> Bool {
        switch (lhs, rhs) {
        case (.uuid(let high, let low), .uuid(let otherHigh, let otherLow)):
            return high == otherHigh && low == otherLow
        case (.text(let text), .text(let other)):
            return text == other
        default:
            // A UUID is never kept as text, so the two forms are never the same identifier.
            return false
        }
    }

    /// Random numbers of this process, so that nobody can choose UUIDs that share a place: with known factors such UUIDs
    /// are a matter of arithmetic, and filling a table with them takes quadratic time. They come from `Hasher`, whose own
    /// secret they are as hard to learn as, and which gives the same ones every time where a program asks for that.
    private static let secret: (high: UInt64, low: UInt64) = {
        func bits(_ number: UInt8) -> UInt64 {
            var hasher = Hasher()
            hasher.combine(number)
            return UInt64(truncatingIfNeeded: hasher.finalize())
        }
        return (bits(0), bits(1))
    }()

    /// What a `Dictionary` or `Set` places an identifier by: for a UUID two multiplications instead of a run of `Hasher`,
    /// which is a third of what reading the states of many jobs costs. The second one, by a secret too, leaves nothing
    /// that is known of the product where the halves' differences are.
    func _rawHashValue(seed: Int) -> Int {
        guard case .uuid(let high, let low) = self else {
            var hasher = Hasher()
            hasher.combine(seed)
            hash(into: &hasher)
            return hasher.finalize()
        }
        let secret = Self.secret
        let product = (high ^ secret.high ^ UInt64(bitPattern: Int64(seed))).multipliedFullWidth(by: low ^ secret.low)
        let mixed = (product.high ^ product.low ^ secret.high).multipliedFullWidth(by: secret.low | 1)
        return Int(truncatingIfNeeded: mixed.high ^ mixed.low)
    }

    func hash(into hasher: inout Hasher) {
        switch self {
        case .uuid(let high, let low):
            hasher.combine(high)
            hasher.combine(low)
        case .text(let text):
            hasher.combine(text)
        }
    }
}

extension IdentifierStorage: Comparable {
    static func < (lhs: IdentifierStorage, rhs: IdentifierStorage) -> Bool {
        // Lowercase hexadecimal digits ascend in ASCII as their values do, so the numbers order as the strings would.
        if case .uuid(let high, let low) = lhs, case .uuid(let otherHigh, let otherLow) = rhs {
            return (high, low) < (otherHigh, otherLow)
        }
        return lhs.string < rhs.string
    }
}
