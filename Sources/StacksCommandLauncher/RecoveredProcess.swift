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

    /// Waits for its end; cancelling the task stops it.
    ///
    /// - Returns: The exit status, or `nil` when the process was killed before it could write it.
    func end() async -> Int32? {
        while file.isHeld {
            do { try await Task.sleep(for: Self.interval) } catch {
                await stop()
                break
            }
        }
        return file.read().exitStatus
    }

    /// Sends SIGTERM to the group, and SIGKILL to what is left of it after the grace period.
    private func stop() async {
        // A task of its own, awaited here: this one is cancelled, and would not wait.
        await Task {
            let deadline = ContinuousClock.now.advanced(by: gracePeriod)
            // A process that was started a moment ago has yet to say its number.
            while file.isHeld, file.read().process == nil, ContinuousClock.now < deadline {
                try? await Task.sleep(for: .milliseconds(20))
            }
            // The number is that of the process only as long as the process holds its file.
            guard let process = file.read().process, file.isHeld else { return }
            kill(-process, SIGTERM)
            await ProcessGroup(leader: process).end(within: ContinuousClock.now.duration(to: deadline))
        }.value
    }
}
