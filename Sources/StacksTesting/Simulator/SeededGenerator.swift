import StacksTransport

/// Generates the simulator's random numbers, UUIDs and tokens, reproducibly from a seed.
package struct SeededGenerator: RandomNumberGenerator {
    private var base: SplitMix64

    package init(seed: UInt64) { base = SplitMix64(seed: seed) }

    package mutating func next() -> UInt64 { base.next() }

    /// A number in 0..<1.
    mutating func fraction() -> Double { base.fraction() }

    /// A version 4 UUID in its canonical lowercase form.
    mutating func uuid() -> String {
        let high = (next() & 0xFFFF_FFFF_FFFF_0FFF) | 0x0000_0000_0000_4000
        let low = (next() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
        var text = [UInt8]()
        text.reserveCapacity(36)
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 { text.append(UInt8(ascii: "-")) }
            let word = index < 16 ? high : low
            text.append(Self.digits[Int((word >> UInt64((15 - index % 16) * 4)) & 0xF)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// How many letters and digits a token has after its prefix.
    static let tokenLength = 40

    /// `prefix` followed by letters and digits.
    mutating func token(prefix: String) -> String {
        var text = Array(prefix.utf8)
        for _ in 0..<Self.tokenLength { text.append(Self.alphabet[Int(next() % UInt64(Self.alphabet.count))]) }
        return String(decoding: text, as: UTF8.self)
    }

    private static let digits = Array("0123456789abcdef".utf8)
    private static let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789".utf8)
}
