import StacksAPI

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The process of a job that a controller started which is gone. It is no child of this process, so its end is polled for.
struct RecoveredProcess: Sendable {
    /// The time between two looks: the slot of a command that has ended stays taken for that long at most.
    private static let interval = Duration.milliseconds(500)

    let file: RecordFile
    let gracePeriod: Duration
    /// How long it may take until the record can be read.
    var patience = RecordFile.patience

    /// How long a process that was started a moment ago has, at least, to write its number down.
    private static let shortestWait = Duration.seconds(10)

    /// Waits for its end; cancelling the task stops it. No process holds the file when this returns: if the record of a
    /// process that lives were removed, its job would be launched a second time.
    ///
    /// - Returns: The exit status, or `nil` when the process was killed before it could write the status.
    /// - Throws: ``CommandLaunchError`` when the process was to be stopped and cannot be, or when the record cannot be read.
    ///   The process may run on then, and its record has to stay.
    func end() async throws -> Int32? {
        while try await runs() {
            do { try await Task.sleep(for: Self.interval) } catch {
                try await stop()
                break
            }
        }
        return try await record()?.exitStatus
    }

    private func runs() async throws -> Bool { try await file.looking(for: patience) { try $0.runs() } }
    private func isHeld() async throws -> Bool { try await file.looking(for: patience) { try $0.isHeld() } }
    private func record() async throws -> ProcessRecord? { try await file.looking(for: patience) { try $0.read() } }

    /// Sends SIGTERM to the group, and SIGKILL to what is left of it after the grace period. Returns when the process has
    /// released its file.
    private func stop() async throws {
        // A task of its own, awaited here: this one is cancelled, and would not wait.
        try await Task {
            // A process that has not written its number down cannot be stopped.
            try await wait(atMost: max(gracePeriod, Self.shortestWait)) { try await record()?.process != nil }
            if let record = try await record(), let process = record.process,
                try await isHolder(process, startedAt: record.start)
            {
                kill(-process, SIGTERM)
                let group = ProcessGroup(leader: process)
                guard await group.end(within: gracePeriod) else {
                    throw CommandLaunchError(
                        unstoppable: "A command that an earlier controller has started", group)
                }
                // A process that waits for a disk takes a while to end at SIGKILL.
                while try await isHeld() { try? await Task.sleep(for: .milliseconds(20)) }
                return
            }
            try await wait(atMost: gracePeriod)
            guard try await !runs() else {
                throw CommandLaunchError(
                    description: "A command that an earlier controller has started cannot be stopped and runs on: "
                        + "the file \(file.path) does not tell for certain which process it is")
            }
        }.value
    }

    /// Waits until the process has ended, a condition holds, or the time is over.
    private func wait(
        atMost limit: Duration, until condition: () async throws -> Bool = { false }
    ) async throws {
        let deadline = ContinuousClock.now.advanced(by: limit)
        while try await runs(), try await !condition(), ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Whether a number is that of the process that holds the file. That is so only while the file is held, and when the
    /// process was started at the time that the file says, or is seen to have the file open. Any other process with the
    /// number is left alone.
    private func isHolder(_ process: pid_t, startedAt start: ProcessStart?) async throws -> Bool {
        guard try await isHeld() else { return false }
        if let start { return start == ProcessStart(of: process) }
        return OpenFile.isOpen(file.path, by: process)
    }
}
