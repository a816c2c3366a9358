/// Reads and writes the canonical form of a UUID: `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` in lowercase
/// (<https://www.rfc-editor.org/rfc/rfc9562#section-4>), eight digits at a time. Uppercase digits are read too, as that
/// section asks.
enum CanonicalUUID {
    static let length = 36

    /// The two halves of the UUID in the 36 bytes at `bytes`, or `nil` when they are not one in either case.
    @inline(__always)
    static func parse(_ bytes: UnsafeRawPointer) -> (high: UInt64, low: UInt64)? {
        func load(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        // "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee": a at 0, b at 9, c at 14, d at 19, e at 24.
        let second = load(8)
        let third = load(16)
        let dash = UInt64(UInt8(ascii: "-"))
        // The dashes are at 8, 13, 18 and 23: bytes 0 and 5 of the second word, 2 and 7 of the third.
        guard second & 0x0000_FF00_0000_00FF == dash | dash << 40,
            third & 0xFF00_0000_00FF_0000 == dash << 16 | dash << 56
        else { return nil }
        let middle = (second >> 8) & 0xFFFF_FFFF | (second >> 48) << 32 | (third & 0xFFFF) << 48
        let last = (third >> 24) & 0xFFFF_FFFF | (load(24) & 0xFFFF_FFFF) << 32
        var invalid: UInt64 = 0
        let first = digits(load(0), &invalid)
        let secondValue = digits(middle, &invalid)
        let thirdValue = digits(last, &invalid)
        let fourthValue = digits(load(28), &invalid)
        guard invalid == 0 else { return nil }
        return (first << 32 | secondValue, thirdValue << 32 | fourthValue)
    }

    /// The value of eight hexadecimal digits, the first in the lowest byte; sets bits in `invalid` when one is not
    /// `0…9`, `a…f` or `A…F`.
    @inline(__always)
    private static func digits(_ word: UInt64, _ invalid: inout UInt64) -> UInt64 {
        let high: UInt64 = 0x8080_8080_8080_8080
        // Bit 5 makes a letter lowercase, and a digit has it already. A byte with neither bit 5 nor bit 6 would become
        // a digit by it that it is not.
        invalid |= ~(word | word << 1) & 0x4040_4040_4040_4040
        let word = word | 0x2020_2020_2020_2020
        // In each byte below 0x80, adding (0x80 - x) sets the top bit exactly when the byte is at least x.
        func atLeast(_ byte: UInt8) -> UInt64 { word &+ (UInt64(0x80 - byte) &* 0x0101_0101_0101_0101) }
        let isDigit = atLeast(UInt8(ascii: "0")) & ~atLeast(UInt8(ascii: "9") + 1)
        let isLetter = atLeast(UInt8(ascii: "a")) & ~atLeast(UInt8(ascii: "f") + 1)
        invalid |= (word | ~(isDigit | isLetter)) & high
        // A letter's low nibble is 1…6: nine more makes it 10…15.
        let nibbles = (word & 0x0F0F_0F0F_0F0F_0F0F) &+ ((isLetter & high) >> 7) &* 9
        // The first digit is the most significant: swap, then squeeze the nibbles together.
        var value = nibbles.byteSwapped
        value = (value | value >> 4) & 0x00FF_00FF_00FF_00FF
        value = (value | value >> 8) & 0x0000_FFFF_0000_FFFF
        return (value | value >> 16) & 0x0000_0000_FFFF_FFFF
    }

    /// Writes the 36 bytes of the UUID with these halves.
    @inline(__always)
    static func write(high: UInt64, low: UInt64, to bytes: UnsafeMutableRawPointer) {
        let dash = UInt8(ascii: "-")
        let first = text(UInt32(truncatingIfNeeded: high >> 32))
        let second = text(UInt32(truncatingIfNeeded: high))
        let third = text(UInt32(truncatingIfNeeded: low >> 32))
        let fourth = text(UInt32(truncatingIfNeeded: low))
        bytes.storeBytes(of: first.littleEndian, as: UInt64.self)
        bytes.storeBytes(of: dash, toByteOffset: 8, as: UInt8.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: second).littleEndian, toByteOffset: 9, as: UInt32.self)
        bytes.storeBytes(of: dash, toByteOffset: 13, as: UInt8.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: second >> 32).littleEndian, toByteOffset: 14, as: UInt32.self)
        bytes.storeBytes(of: dash, toByteOffset: 18, as: UInt8.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: third).littleEndian, toByteOffset: 19, as: UInt32.self)
        bytes.storeBytes(of: dash, toByteOffset: 23, as: UInt8.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: third >> 32).littleEndian, toByteOffset: 24, as: UInt32.self)
        bytes.storeBytes(of: fourth.littleEndian, toByteOffset: 28, as: UInt64.self)
    }

    /// The eight digits of `value`, the first in the lowest byte.
    @inline(__always)
    private static func text(_ value: UInt32) -> UInt64 {
        // Spread the nibbles over the bytes, the most significant into the highest, then swap.
        var word = UInt64(value)
        word = (word | word << 16) & 0x0000_FFFF_0000_FFFF
        word = (word | word << 8) & 0x00FF_00FF_00FF_00FF
        word = (word | word << 4) & 0x0F0F_0F0F_0F0F_0F0F
        word = word.byteSwapped
        // Adding 6 carries into bit 4 exactly for 10…15; those are 39 further on ('a' - '0' - 10).
        let letters = ((word &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return word &+ 0x3030_3030_3030_3030 &+ letters &* 39
    }
}
