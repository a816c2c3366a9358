/// A random number generator with a seed. Equal seeds give equal numbers on every platform and in every version
/// (<https://prng.di.unimi.it/splitmix64.c>).
///
/// For jitter, simulations and tests, not for secrets.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }

    /// A number in 0..<1 with 53 random bits.
    package mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
