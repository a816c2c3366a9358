#if os(Linux)
    import TestEnvironment

    /// A name of its own whose look-up takes until it is released, at the latest when this goes away.
    final class HeldName: Sendable {
        let host = "h\(UInt64.random(in: 0 ... .max)).slow.test"

        /// How many look-ups have begun.
        var lookUps: Int { Int(slow_resolver_count(host)) }

        /// Lets the look-ups end, with 127.0.0.1.
        func release() { slow_resolver_release(host) }

        deinit { release() }
    }
#endif
