import CProcess
public import StacksAPI

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
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

    /// Removes every variable whose value holds a secret from this process's environment, and overwrites it there and in
    /// the arguments that the process was started with: the system shows both to others as they are in its memory.
    ///
    /// Call it at the beginning, once the secret has been read, and while nothing else reads the environment.
    public static func erase(_ secret: Secret) {
        let secret = secret.value
        guard !secret.isEmpty, !secret.utf8.contains(0) else { return }
        for (name, value) in ProcessInfo.processInfo.environment where value.contains(secret) {
            if let value = getenv(name) { memset(value, 0, strlen(value)) }
            unsetenv(name)
        }
        cprocess_erase_arguments(secret)
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
