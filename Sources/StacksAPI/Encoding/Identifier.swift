#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// The identifier of a `Resource`, a job's UUID for example.
///
/// Buildkite's identifiers are UUIDs in canonical form: 36 lowercase characters. An identifier keeps them as 16 bytes,
/// without an allocation. Case does not matter: an uppercase UUID names the same resource, and its string is lowercase,
/// as the server writes it. Any other string is an identifier too, and is kept as it is.
///
/// Identifiers are ordered like their strings.
public struct Identifier<Resource>: Sendable, Hashable {
    let storage: IdentifierStorage

    init(storage: IdentifierStorage) { self.storage = storage }

    /// The identifier with this string.
    public init(_ string: String) { storage = IdentifierStorage(string) }

    /// The identifier of a UUID in its canonical, lowercase form.
    public init(_ uuid: UUID) { storage = IdentifierStorage(uuid) }

    /// The identifier as a UUID; `nil` when it is not one.
    public var uuid: UUID? { storage.uuid }

    // Despite its underscore this is a requirement of `Hashable`, with a default implementation, and so part of the
    // library's stable interface. If the library stopped using it, `hash(into:)` would be slower and just as correct:
    // with it, decoding 1000 states takes 1.2 times the instructions.
    /// The hash value for the standard library's tables, which is faster than `hash(into:)`.
    public func _rawHashValue(seed: Int) -> Int { storage._rawHashValue(seed: seed) }

    /// Whether the identifier is the empty string, which identifies nothing.
    public var isEmpty: Bool { storage.isEmpty }
}

extension Identifier: Comparable {
    /// Orders identifiers as their strings are ordered.
    public static func < (lhs: Identifier, rhs: Identifier) -> Bool { lhs.storage < rhs.storage }
}

extension Identifier: LosslessStringConvertible, CustomDebugStringConvertible {
    /// The identifier's string, as the API spells it.
    public var description: String { storage.string }

    /// The same as ``description``.
    public var debugDescription: String { storage.string }
}

extension Identifier: CustomReflectable {
    /// Shows the string instead of how it is stored.
    public var customMirror: Mirror { Mirror(self, children: ["string": storage.string]) }
}

extension Identifier: ExpressibleByStringLiteral {
    /// The identifier with this literal as its string.
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

/// The storage of an ``Identifier``. It is not generic, so that its code exists once and not for each resource.
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

    /// The UUID in the `count` bytes in upper or lower case; `nil` when they are none.
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
            // A UUID is never kept as text, so the two forms are never equal.
            return false
        }
    }

    /// Random numbers of this process, so that nobody can construct UUIDs with the same hash: filling a table with
    /// such UUIDs would take quadratic time. They come from `Hasher`, so they are as hard to learn as its secret, and
    /// are the same every time in a program that disables random hashing.
    private static let secret: (high: UInt64, low: UInt64) = {
        func bits(_ number: UInt8) -> UInt64 {
            var hasher = Hasher()
            hasher.combine(number)
            return UInt64(truncatingIfNeeded: hasher.finalize())
        }
        return (bits(0), bits(1))
    }()

    /// The hash value for a `Dictionary` or `Set`: for a UUID two multiplications instead of a run of `Hasher`. The
    /// second one, by a secret too, hides how the halves determine the first product.
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
        // Lowercase hexadecimal digits ascend in ASCII like their values, so the numbers are ordered like the strings.
        if case .uuid(let high, let low) = lhs, case .uuid(let otherHigh, let otherLow) = rhs {
            return (high, low) < (otherHigh, otherLow)
        }
        return lhs.string < rhs.string
    }
}
