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
    /// Once the command itself has ended, what it started may still be on its way out: a shell ends at SIGTERM at once
    /// while the agent that it started stops its job. The group's number stays taken as long as one process is in it,
    /// so that the signal cannot reach a stranger while that is so.
    func end(within gracePeriod: Duration) async {
        // A task of its own, awaited here: this one is cancelled, and would not wait.
        await Task {
            let deadline = ContinuousClock.now.advanced(by: gracePeriod)
            while exists {
                guard ContinuousClock.now < deadline else {
                    _ = kill(-leader, SIGKILL)
                    return
                }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }.value
    }

    private var exists: Bool { leader > 1 && kill(-leader, 0) == 0 }
}
