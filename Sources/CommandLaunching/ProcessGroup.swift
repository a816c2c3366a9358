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

    /// Waits until the group is empty, and kills what is left of it after `gracePeriod`.
    ///
    /// - Returns: Whether it is gone, or was killed. False when what is left of it is not for this process to signal.
    ///
    /// Once the command itself has ended, what it started may still be on its way out: a shell ends at SIGTERM at once
    /// while the agent that it started stops its job. The group's number stays taken as long as one process is in it,
    /// so that the signal cannot reach a stranger while that is so.
    func end(within gracePeriod: Duration) async -> Bool {
        // A task of its own, awaited here: this one is cancelled, and would not wait.
        await Task {
            let deadline = ContinuousClock.now.advanced(by: gracePeriod)
            while exists {
                guard ContinuousClock.now < deadline else {
                    _ = kill(-leader, SIGKILL)
                    // Of a group that it can reach in part the system kills that part, and says nothing of the rest.
                    return await isGoneSoon()
                }
                try? await Task.sleep(for: .milliseconds(20))
            }
            return true
        }.value
    }

    /// Whether nothing is left of the killed group that this process may not signal. What it may signal is on its way out,
    /// or has ended and was not reaped, and is waited for a second at most.
    private func isGoneSoon() async -> Bool {
        for _ in 0..<50 {
            if kill(-leader, 0) != 0 { return errno != EPERM }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return true
    }

    /// Whether a process is in it. One of another user's, started by a program like sudo, cannot be signalled, and is
    /// there all the same.
    private var exists: Bool { leader > 1 && (kill(-leader, 0) == 0 || errno == EPERM) }

    /// Whether processes of it run without the one that led it.
    var isOrphaned: Bool {
        #if canImport(Darwin)
            exists && kill(leader, 0) != 0 && errno == ESRCH
        #else
            // Processes that have ended and were not reaped count for kill(2).
            exists && !ProcessFacts.runs(leader) && ProcessFacts.groupRuns(leader)
        #endif
    }
}
