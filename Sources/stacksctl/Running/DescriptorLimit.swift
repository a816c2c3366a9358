#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The limit on open files of this process, and whether it is enough for a connection or a stack.
enum DescriptorLimit {
    /// What connections, the files of a starting job, and the system's libraries use at most, in addition to what is
    /// open already. A running command uses none, so the number does not depend on how many run.
    static let needed: UInt = 48

    /// Raises the soft limit as far as needed, never beyond the hard one.
    ///
    /// - Returns: The previous limit, for the commands, or `nil` when it was enough.
    /// - Throws: ``Failure`` with the limit and the number that is needed.
    static func raise() throws -> UInt? {
        var limit = rlimit()
        guard getrlimit(descriptors, &limit) == 0 else { return nil }
        let (soft, needed) = (UInt(clamping: limit.rlim_cur), UInt(open(below: limit.rlim_cur)) + needed)
        guard soft < needed else { return nil }
        guard UInt(clamping: limit.rlim_max) >= needed else {
            throw Failure.refused(
                "the limit on open files is too low: \(needed) are needed, and the limit is \(limit.rlim_max) "
                    + "(RLIMIT_NOFILE; 'ulimit -Hn', or LimitNOFILE= of systemd).")
        }
        limit.rlim_cur = rlim_t(needed)
        guard setrlimit(descriptors, &limit) == 0 else {
            throw Failure.refused(
                "the limit on open files is too low: \(needed) are needed, and the limit of \(soft) cannot be raised: "
                    + String(cString: strerror(errno)))
        }
        return soft
    }

    /// How many are open already, including those inherited from a parent process.
    private static func open(below limit: rlim_t) -> Int {
        (0..<Int32(clamping: min(limit, 4096))).count { fcntl($0, F_GETFD) >= 0 }
    }

    #if canImport(Glibc)
        private static var descriptors: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
    #else
        private static var descriptors: Int32 { RLIMIT_NOFILE }
    #endif
}
