/// A clock, read as the time since the controller was started.
struct ControllerTime: Sendable {
    /// The time since the start.
    let now: @Sendable () -> Duration
    /// Sleeps until that time after the start, or throws when cancelled.
    let sleep: @Sendable (_ until: Duration) async throws -> Void

    init(_ clock: any Clock<Duration>) {
        self = Self.reading(clock)
    }

    private init(now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }

    private static func reading<C: Clock>(_ clock: C) -> Self where C.Duration == Duration {
        let start = clock.now
        return Self(
            now: { start.duration(to: clock.now) },
            sleep: { end in
                var rest = end - start.duration(to: clock.now)
                while rest > .zero {
                    // A day at a time: clocks trap on an instant beyond what their 64 bits of seconds hold.
                    try await clock.sleep(for: min(rest, .seconds(86_400)), tolerance: nil)
                    rest = end - start.duration(to: clock.now)
                }
            }
        )
    }
}
