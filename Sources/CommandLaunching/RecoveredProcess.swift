import StacksAPI

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The process of a job, started by a controller that is gone. Nobody here is its parent, so that its end is seen by
/// looking.
struct RecoveredProcess: Sendable {
    /// The time between two looks: that long is a slot taken for nothing, at most.
    private static let interval = Duration.milliseconds(500)

    let file: RecordFile
    let gracePeriod: Duration

    /// How long a process that was started a moment ago has, at least, to say its number.
    private static let shortestWait = Duration.seconds(10)

    /// Waits for its end; cancelling the task stops it. Nobody holds the file any more when this returns: a record that
    /// is taken away from a process that lives leaves its job to be launched a second time.
    ///
    /// - Returns: The exit status, or `nil` when the process was killed before it could write it.
    /// - Throws: ``CommandLaunchError`` when the process was to be stopped and cannot be. It runs on then, and its record
    ///   has to stay.
    func end() async throws -> Int32? {
        while runs {
            do { try await Task.sleep(for: Self.interval) } catch {
                try await stop()
                break
            }
        }
        return await file.readAtLast().exitStatus
    }

    /// Whether the command runs: the shell beside it holds the file, or has left it behind, killed by somebody.
    private var runs: Bool {
        if file.isHeld { return true }
        let record = file.read()
        guard let process = record.process, record.exitStatus == nil, !record.isUnstarted else { return false }
        return ProcessGroup(leader: process).isOrphaned
    }

    /// Sends SIGTERM to the group, and SIGKILL to what is left of it after the grace period; returns when the process
    /// has let go of its file.
    private func stop() async throws {
        // A task of its own, awaited here: this one is cancelled, and would not wait.
        try await Task {
            // Before it has said its number nothing can stop it.
            await letGo(within: max(gracePeriod, Self.shortestWait)) { file.read().process != nil }
            let record = file.read()
            if let process = record.process, isHolder(process, startedAt: record.start) {
                kill(-process, SIGTERM)
                let group = ProcessGroup(leader: process)
                guard await group.end(within: gracePeriod) else {
                    throw CommandLaunchError(
                        unstoppable: "A command that an earlier controller has started", group)
                }
                // SIGKILL takes its time with a process that waits for a disk.
                while file.isHeld { try? await Task.sleep(for: .milliseconds(20)) }
                return
            }
            await letGo(within: gracePeriod)
            guard !runs else {
                throw CommandLaunchError(
                    description: "A command that an earlier controller has started cannot be stopped and runs on: "
                        + "the file \(file.path) does not tell for certain which process it is")
            }
        }.value
    }

    /// Waits until nobody holds the file, or something else is so, or the time is over.
    private func letGo(within limit: Duration, or condition: () -> Bool = { false }) async {
        let deadline = ContinuousClock.now.advanced(by: limit)
        while runs, !condition(), ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Whether a number is that of the process that holds the file: it is only as long as that holds its file, and was
    /// started when the file says, or is seen to have the file open. Whatever else has the number is left alone.
    private func isHolder(_ process: pid_t, startedAt start: ProcessStart?) -> Bool {
        guard file.isHeld else { return false }
        if let start { return start == ProcessStart(of: process) }
        return OpenFile.isOpen(file.path, by: process)
    }
}
