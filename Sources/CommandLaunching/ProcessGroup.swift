#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The processes that a command started, itself included, by the number of the group that it leads.
struct ProcessGroup: Sendable {
    /// The leader's process ID, which is the group's.
    let leader: pid_t

    /// Waits until the group is empty, and kills the processes that are left after `gracePeriod`.
    ///
    /// After the command itself has ended, processes that it started may still be stopping: a shell ends at SIGTERM at once,
    /// while the agent that it started stops its job. The group's number stays in use while a process is in the group, so
    /// the signal cannot reach another group.
    ///
    /// - Returns: Whether it is empty, or was killed; `false` when this process may not signal what is left of it.
    func end(within gracePeriod: Duration) async -> Bool {
        // A task of its own, awaited here: this one is cancelled, and would not wait.
        await Task {
            let deadline = ContinuousClock.now.advanced(by: gracePeriod)
            while exists {
                guard ContinuousClock.now < deadline else {
                    _ = kill(-leader, SIGKILL)
                    // The system kills those that this process may signal, and does not report the others.
                    return await isGoneSoon()
                }
                try? await Task.sleep(for: .milliseconds(20))
            }
            return true
        }.value
    }

    /// Whether this process may signal all that is left of the killed group. Killed processes that have not ended or were
    /// not reaped yet are waited for, for a second at most.
    private func isGoneSoon() async -> Bool {
        for _ in 0..<50 {
            if kill(-leader, 0) != 0 { return errno != EPERM }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return true
    }

    /// Whether a process is in it. A process of another user, started by a program like sudo, counts although it cannot be
    /// signalled.
    private var exists: Bool { leader > 1 && (kill(-leader, 0) == 0 || errno == EPERM) }

    /// Whether processes of the group run and its leader does not.
    var isOrphaned: Bool {
        #if canImport(Darwin)
            exists && kill(leader, 0) != 0 && errno == ESRCH
        #else
            // kill(2) also finds processes that have ended and were not reaped.
            exists && !ProcessFacts.runs(leader) && ProcessFacts.groupRuns(leader)
        #endif
    }
}
