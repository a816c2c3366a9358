import CProcess

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the process of a controller does about itself, before it starts commands that other people have written.
public enum ControllerProcess {
    /// Keeps other processes of the same user from reading this one's memory and environment, its commands among them:
    /// both hold the cluster's token. Commands are not affected.
    ///
    /// On Linux it makes the process one that leaves no core dump and cannot be traced but by root (`PR_SET_DUMPABLE`).
    ///
    /// - Returns: Whether it is so now; `false` where a system has nothing like it.
    @discardableResult
    public static func hideMemory() -> Bool { cprocess_forbid_reading() == 0 }

    /// Removes variables from this process's environment, and overwrites their values, which the system shows to others
    /// as they were when the process was started.
    ///
    /// Call it at the beginning, while nothing else reads the environment.
    public static func eraseVariables(_ names: [String]) {
        for name in names {
            if let value = getenv(name) { memset(value, 0, strlen(value)) }
            unsetenv(name)
        }
    }

    /// Reaps what processes leave behind that this one has not started: the first process of a container inherits
    /// those whose parents have ended, and is the only one that can clear them away. Nothing else in this process may
    /// start processes then, but ``CommandLauncher``.
    ///
    /// - Returns: Whether this is a first process, and does so from now on.
    @discardableResult
    public static func reapOrphansAsFirstProcess() -> Bool {
        guard getpid() == 1 else { return false }
        ChildProcesses.shared.reapOrphans()
        return true
    }
}
