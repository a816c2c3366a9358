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

/// What the process of a controller does to protect itself, before it starts commands that other people have written.
public enum ControllerProcess {
    /// Keeps other processes of the same user, commands among them, from reading the memory and the environment of this
    /// one: both hold the cluster's token. Commands are not affected.
    ///
    /// On Linux the process then leaves no core dump, and only root can trace it (`PR_SET_DUMPABLE`).
    ///
    /// - Returns: Whether it is protected; `false` on a system without such a call.
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

    /// Reaps processes that this one has not started: the first process of a container inherits those whose parents have
    /// ended, and no other process can reap them. Only ``CommandLauncher`` may start processes in this process then.
    ///
    /// - Returns: Whether this is process 1, and does so from now on.
    @discardableResult
    public static func reapOrphansAsFirstProcess() -> Bool {
        guard getpid() == 1 else { return false }
        ChildProcesses.shared.reapOrphans()
        return true
    }
}
