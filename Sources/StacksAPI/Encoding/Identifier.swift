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

/// Reads and writes the canonical form of a UUID: `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` in lowercase
/// (<https://www.rfc-editor.org/rfc/rfc9562#section-4>), all 32 digits at once. It also reads uppercase digits, as that
/// section requires.
///
/// Digit by digit, decoding 1000 states takes 3.5 times the instructions, and decoding 1000 jobs 1.5 times.
enum CanonicalUUID {
    static let length = 36

    /// The 32 digits, eight in each word, the first in its lowest byte. Words instead of bytes, because the compiler
    /// turns vectors of more than eight elements into loops.
    private typealias Digits = SIMD4<UInt64>

    /// The two halves of the UUID in the 36 bytes at `bytes`; `nil` when they are not a UUID in upper or lower case.
    @inline(__always)
    static func parse(_ bytes: UnsafeRawPointer) -> (high: UInt64, low: UInt64)? {
        func eight(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        func four(_ offset: Int) -> UInt64 {
            UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        // The dashes are at 8, 13, 18 and 23: bytes 0 and 5 of the second word, 2 and 7 of the third.
        let dash = UInt64(UInt8(ascii: "-"))
        let isDashed =
            eight(8) & 0x0000_FF00_0000_00FF == dash | dash << 40
            && eight(16) & 0xFF00_0000_00FF_0000 == dash << 16 | dash << 56
        // "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee": a at 0, b at 9, c at 14, d at 19, e at 24.
        let digits = Digits(eight(0), four(9) | four(14) << 32, four(19) | four(24) << 32, eight(28))
        // Bit 5 makes a letter lowercase, and digits have it already. Bit 6 marks a letter, whose low nibble is 1…6:
        // adding nine makes it 10…15.
        let lowercase = digits | every(0x20)
        let nibbles =
            (lowercase & every(0x0F)) &+ (lowercase &>> 6 & every(1)) &+ (lowercase &>> 3 & every(8))
        // A valid digit equals the digit of its value. Nothing else does, except letters after `f`, whose value is
        // above 15, and bytes with neither bit 5 nor bit 6, which became digits above.
        let invalid =
            text(nibbles) ^ lowercase | nibbles & every(0x10) | ~(digits | digits &<< 1) & every(0x40)
        let remainder = invalid.lowHalf | invalid.highHalf
        guard isDashed, remainder[0] | remainder[1] == 0 else { return nil }
        // The first digit is the most significant: squeeze the nibbles together, then swap.
        var values = (nibbles &<< 4 | nibbles &>> 8) & 0x00FF_00FF_00FF_00FF
        values = (values | values &>> 8) & 0x0000_FFFF_0000_FFFF
        values = (values | values &>> 16) & 0x0000_0000_FFFF_FFFF
        return ((values[0] | values[1] << 32).byteSwapped, (values[2] | values[3] << 32).byteSwapped)
    }

    /// Writes the 36 bytes of a UUID with these halves.
    @inline(__always)
    static func write(high: UInt64, low: UInt64, to bytes: UnsafeMutableRawPointer) {
        // The most significant digit is the first: swap, then spread the nibbles over the bytes.
        let (first, second) = (high.byteSwapped, low.byteSwapped)
        var nibbles = Digits(first & 0xFFFF_FFFF, first >> 32, second & 0xFFFF_FFFF, second >> 32)
        nibbles = (nibbles | nibbles &<< 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles &<< 8) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles &>> 4 | nibbles &<< 8) & every(0x0F)
        let digits = text(nibbles)
        func eight(_ word: Int, at offset: Int) {
            bytes.storeBytes(of: digits[word].littleEndian, toByteOffset: offset, as: UInt64.self)
        }
        func four(_ bits: UInt64, at offset: Int) {
            bytes.storeBytes(of: UInt32(truncatingIfNeeded: bits).littleEndian, toByteOffset: offset, as: UInt32.self)
        }
        func dash(at offset: Int) {
            bytes.storeBytes(of: UInt8(ascii: "-"), toByteOffset: offset, as: UInt8.self)
        }
        eight(0, at: 0)
        dash(at: 8)
        four(digits[1], at: 9)
        dash(at: 13)
        four(digits[1] >> 32, at: 14)
        dash(at: 18)
        four(digits[2], at: 19)
        dash(at: 23)
        four(digits[2] >> 32, at: 24)
        eight(3, at: 28)
    }

    /// The lowercase digit for the value in each byte, up to 15. For values up to 24 no byte carries into the next.
    @inline(__always)
    private static func text(_ nibbles: Digits) -> Digits {
        // Adding 6 carries into bit 4 exactly from 10 on; letters are 39 = 32 + 8 - 1 higher ('a' - '0' - 10).
        let letters = (nibbles &+ every(6)) &>> 4 & every(1)
        return nibbles &+ every(UInt8(ascii: "0")) &+ (letters &<< 5) &+ (letters &<< 3) &- letters
    }

    /// A word of eight equal bytes.
    @inline(__always)
    private static func every(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }
}
