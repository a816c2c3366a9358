import StacksTransport

/// What a client takes from the world beside its transport: time and chance.
struct ClientEnvironment: Sendable {
    /// The present instant, for deadlines.
    var now: @Sendable () -> Moment
    /// Waits, or throws `CancellationError` when the task is cancelled.
    var sleep: @Sendable (Duration) async throws -> Void
    /// 64 random bits, for jitter.
    var randomBits: @Sendable () -> UInt64

    /// Time by `clock`. Instants of another clock than the continuous one are counted from now on.
    init(clock: any Clock<Duration>, randomBits: (@Sendable () -> UInt64)? = nil) {
        if clock is ContinuousClock {
            now = { .now }
        } else {
            now = Self.instants(of: clock)
        }
        sleep = { duration in
            var rest = duration
            repeat {
                // A day at a time: the continuous clock traps on an instant beyond what its 64 bits of seconds hold.
                try await clock.sleep(for: min(rest, .seconds(86_400)), tolerance: nil)
                rest -= .seconds(86_400)
            } while rest > .zero
        }
        self.randomBits =
            randomBits ?? {
                var generator = SystemRandomNumberGenerator()
                return generator.next()
            }
    }

    private static func instants<C: Clock<Duration>>(of clock: C) -> @Sendable () -> Moment {
        let origin = clock.now
        let base = Moment.now
        return { base + origin.duration(to: clock.now) }
    }
}

/// Makes a generator of a function.
struct FunctionGenerator: RandomNumberGenerator {
    let bits: @Sendable () -> UInt64

    mutating func next() -> UInt64 { bits() }
}
