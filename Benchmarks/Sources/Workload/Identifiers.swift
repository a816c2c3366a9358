/// UUIDs that look drawn at random and are the same in every process.
package enum Identifiers {
    /// The jobs that calls are about.
    package static let jobs: [String] = {
        var generator = SplitMix64(seed: 1)
        return (0..<1000).map { _ in generator.nextUUID() }
    }()

    /// The first of them, which calls about one job are about.
    package static let firstJob: String = {
        var generator = SplitMix64(seed: 1)
        return generator.nextUUID()
    }()
}

/// A generator whose numbers depend on its seed alone (<https://prng.di.unimi.it/splitmix64.c>).
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// A UUID of version 4 in its canonical form.
    mutating func nextUUID() -> String {
        let high = next() & ~0xF000 | 0x4000
        let low = next() & ~(0xC0 << 56) | (0x80 << 56)
        let digits = hexadecimal(high) + hexadecimal(low)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    private func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
