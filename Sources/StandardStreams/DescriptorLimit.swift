package import ArgumentParser

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The limit on open files of this process, and whether it is enough.
package enum DescriptorLimit {
    /// What a tool needs to say anything at all, in addition to what is open already: without it, the system's libraries
    /// end the process.
    static let least: UInt = 16

    /// What connections, the files of a starting job, and the system's libraries use at most, in addition to what is
    /// open already. A running command uses none, so the number does not depend on how many run.
    package static let forConnections: UInt = 48

    /// A limit that is too low and cannot be raised.
    package struct Shortage: ToolFailure {
        package let message: String
        package var exitCode: ExitCode { .failure }
    }

    /// Raises the soft limit as far as needed, never beyond the hard one.
    ///
    /// - Parameter more: How many files the process has to be able to open.
    /// - Returns: The soft limit that this process was started with, for the commands, or `nil` when it stands.
    /// - Throws: ``Shortage`` with the limit and the number that is needed.
    @discardableResult
    package static func raise(for more: UInt) throws(Shortage) -> UInt? {
        var limit = rlimit()
        guard getrlimit(descriptors, &limit) == 0, let inherited else { return nil }
        let (soft, needed) = (UInt(clamping: limit.rlim_cur), UInt(open(below: limit.rlim_cur)) + more)
        guard soft < needed else { return soft == inherited ? nil : inherited }
        guard UInt(clamping: limit.rlim_max) >= needed else {
            throw Shortage(
                message: "the limit on open files is too low: \(needed) are needed, and the limit is "
                    + "\(limit.rlim_max) (RLIMIT_NOFILE; 'ulimit -Hn', or LimitNOFILE= of systemd).")
        }
        limit.rlim_cur = rlim_t(needed)
        guard setrlimit(descriptors, &limit) == 0 else {
            throw Shortage(
                message: "the limit on open files is too low: \(needed) are needed, and the limit of \(soft) cannot "
                    + "be raised: \(String(cString: strerror(errno)))")
        }
        return inherited
    }

    /// The soft limit before the first time that it was raised.
    private static let inherited: UInt? = {
        var limit = rlimit()
        return getrlimit(descriptors, &limit) == 0 ? UInt(clamping: limit.rlim_cur) : nil
    }()

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
