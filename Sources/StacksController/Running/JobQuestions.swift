import Synchronization

/// Those who wait to be told of a controller's jobs.
///
/// It owns their continuations and resumes each once, after unlocking: with what the loop says, or with nothing when there
/// is no loop that could, or the asking task was cancelled.
final class JobQuestions: Sendable {
    private struct State {
        /// Whether a loop runs that answers.
        var isOpen = false
        var waiting: [UInt64: CheckedContinuation<ControllerJobs, Never>] = [:]
        var asked: UInt64 = 0
    }

    private let state = Mutex(State())

    /// From now on there is a loop that answers.
    func open() { state.withLock { $0.isOpen = true } }

    /// Waits for the loop's answer, which `call` wakes.
    nonisolated(nonsending) func ask(_ call: () -> Void) async -> ControllerJobs {
        let number = state.withLock { state in
            state.asked += 1
            return state.asked
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    // Looked at under the lock: a cancellation before it has found nothing to resume.
                    guard state.isOpen, !Task.isCancelled else { return false }
                    state.waiting[number] = continuation
                    return true
                }
                if waits { call() } else { continuation.resume(returning: ControllerJobs()) }
            }
        } onCancel: {
            let continuation = state.withLock { $0.waiting.removeValue(forKey: number) }
            continuation?.resume(returning: ControllerJobs())
        }
    }

    /// Answers those who wait, if any do.
    func answer(_ jobs: () -> ControllerJobs) {
        let waiting = state.withLock { state in
            defer { if !state.waiting.isEmpty { state.waiting = [:] } }
            return state.waiting
        }
        guard !waiting.isEmpty else { return }
        let jobs = jobs()
        for continuation in waiting.values { continuation.resume(returning: jobs) }
    }

    /// The loop has ended: who waits is told that there is nothing.
    func close() {
        let waiting = state.withLock { state in
            defer { state = State(isOpen: false, asked: state.asked) }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume(returning: ControllerJobs()) }
    }
}
