#if os(Linux)
    import TestEnvironment

    /// A unique name whose resolution lasts until it is released, at the latest with this object.
    final class HeldName: Sendable {
        let host = "h\(UInt64.random(in: 0 ... .max)).slow.test"

        /// The number of resolutions that have begun.
        var resolutions: Int { Int(slow_resolver_count(host)) }

        /// Ends the resolutions, with 127.0.0.1.
        func release() { slow_resolver_release(host) }

        deinit { release() }
    }
#endif
