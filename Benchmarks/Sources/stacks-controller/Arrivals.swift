import Workload

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// When jobs arrive, and in which queue: independently of each other, so many a second on average (a Poisson process). The
/// same seed gives the same arrivals.
struct Arrivals: Sequence, IteratorProtocol {
    let rate: Double
    let queues: Int
    let end: Duration
    private var time = Duration.zero
    private var random: SplitMix64

    init(rate: Int, queues: Int, seconds: Int, seed: UInt64) {
        self.rate = Double(rate)
        self.queues = queues
        end = .seconds(seconds)
        random = SplitMix64(seed: seed)
    }

    mutating func next() -> (time: Duration, queue: Int)? {
        // In (0, 1], of which the logarithm is finite.
        let share = Double(random.next() >> 11 + 1) * 0x1p-53
        time += .seconds(-log(share) / rate)
        guard time < end else { return nil }
        return (time, Int(random.next() % UInt64(queues)))
    }
}
