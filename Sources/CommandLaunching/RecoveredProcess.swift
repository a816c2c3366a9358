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

    /// Waits for its end; cancelling the task stops it. Nobody holds the file any more when this returns: a record that
    /// is taken away from a process that lives leaves its job to be launched a second time.
    ///
    /// - Returns: The exit status, or `nil` when the process was killed before it could write it.
    func end() async -> Int32? {
        while file.isHeld {
            do { try await Task.sleep(for: Self.interval) } catch {
                await stop()
                break
            }
        }
        return await file.readAtLast().exitStatus
    }

    /// Sends SIGTERM to the group, and SIGKILL to what is left of it after the grace period; returns when the process
    /// has let go of its file.
    private func stop() async {
        // A task of its own, awaited here: this one is cancelled, and would not wait.
        await Task {
            // A process that was started a moment ago has yet to say its number. Before that nothing can stop it.
            while file.isHeld, file.read().process == nil { try? await Task.sleep(for: .milliseconds(20)) }
            // The number is that of the process only as long as the process holds its file, and was started when the
            // file says: whatever else has it is left alone.
            let record = file.read()
            if let process = record.process, file.isHeld, let start = record.start, start == ProcessStart(of: process) {
                kill(-process, SIGTERM)
                await ProcessGroup(leader: process).end(within: gracePeriod)
            }
            // SIGKILL takes its time with a process that waits for a disk; and what was not signalled ends by itself.
            while file.isHeld { try? await Task.sleep(for: .milliseconds(20)) }
        }.value
    }
}
