import Dispatch
import StacksAPI
import Synchronization

/// Keeps the logs of a launcher's jobs within their limits. It owns the times at which they are looked at: once a
/// second while a job runs, and when one ends.
///
/// All of it happens on one thread that may block. It holds no descriptor between two looks.
final class LogKeeper: Sendable {
    private static let interval = DispatchTimeInterval.seconds(1)
    /// Looking through a directory takes this part of a second at most, on the average.
    private static let share = 20

    private struct State {
        /// The logs of the jobs that run, with how often each was named.
        var running: [String: Int] = [:]
        var isWatching = false
        /// Whether a job has ended since the directory was looked through.
        var hasNewLogs = false
        var mayLookAt = ContinuousClock.now
    }

    private let directory: LogDirectory
    private let limits: CommandLauncher.LogLimits
    private let state = Mutex(State())

    init(_ directory: String, _ limits: CommandLauncher.LogLimits) {
        self.directory = LogDirectory(path: directory)
        self.limits = limits
    }

    /// Runs `body`, which runs the command of a job, and keeps its log within the limits. They hold when this returns.
    nonisolated(nonsending) func keeping<Result>(
        _ job: JobID, _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        let log = CommandLauncher.logFile(of: job, in: directory.path)
        begin(log)
        do {
            let result = try await body()
            await end(log)
            return result
        } catch {
            await end(log)
            throw error
        }
    }

    private func begin(_ log: String) {
        LogDirectory.begin(log)
        let isFirst = state.withLock { state in
            state.running[log, default: 0] += 1
            defer { state.isWatching = true }
            return !state.isWatching
        }
        if isFirst { lookLater() }
    }

    private nonisolated(nonsending) func end(_ log: String) async {
        await withCheckedContinuation { continuation in
            BlockingWork.logs.async { [self] in
                cut(log)
                LogDirectory.end(log)
                let isLast = state.withLock { state in
                    let count = state.running[log] ?? 1
                    state.running[log] = count > 1 ? count - 1 : nil
                    state.hasNewLogs = true
                    return state.running.isEmpty
                }
                removeOldest(now: isLast)
                continuation.resume()
            }
        }
    }

    // MARK: On the thread

    private func lookLater() {
        BlockingWork.logs.asyncAfter(deadline: .now() + Self.interval) { [weak self] in self?.look() }
    }

    private func look() {
        let logs = state.withLock { state in
            state.isWatching = !state.running.isEmpty
            return Array(state.running.keys)
        }
        guard !logs.isEmpty else { return }
        for log in logs { cut(log) }
        removeOldest(now: false)
        lookLater()
    }

    /// What cannot be cut now is tried again a second later, and nobody else's file is touched.
    private func cut(_ log: String) {
        if let limit = limits.maximumSize { try? LogFile.cut(log, to: limit) }
    }

    /// Removes the oldest logs, if there are new ones.
    ///
    /// - Parameter now: Whether that is done however long it takes: nothing else may do it later.
    private func removeOldest(now: Bool) {
        guard let kept = limits.maximumCount else { return }
        let start = ContinuousClock.now
        let isDue = state.withLock { state in
            let isDue = state.hasNewLogs && (now || state.mayLookAt <= start)
            if isDue { state.hasNewLogs = false }
            return isDue
        }
        guard isDue else { return }
        directory.removeOldest(keeping: kept)
        let end = ContinuousClock.now
        state.withLock { $0.mayLookAt = end.advanced(by: start.duration(to: end) * Self.share) }
    }
}
