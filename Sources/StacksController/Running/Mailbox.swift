import Synchronization

/// Where everybody leaves what has happened, and one reader takes it.
///
/// It owns the reader's continuation and resumes it once for each wait, after unlocking.
final class Mailbox: Sendable {
    private struct State {
        var events: [ControllerEvent] = []
        /// Somebody has called and left nothing: the time has come for something.
        var isWoken = false
        var reader: CheckedContinuation<Void, Never>?

        var hasReason: Bool { isWoken || !events.isEmpty }
    }

    private let state = Mutex(State())

    func post(_ event: ControllerEvent) {
        let reader = state.withLock { state in
            state.events.append(event)
            return state.reader.take()
        }
        reader?.resume()
    }

    func wake() {
        let reader = state.withLock { state in
            state.isWoken = true
            return state.reader.take()
        }
        reader?.resume()
    }

    /// Waits until there is something or somebody has called, and takes everything. Cancellation counts as a call.
    nonisolated(nonsending) func next() async -> [ControllerEvent] {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    // Looked at under the lock, so that nothing comes between the look and the wait.
                    if !state.hasReason { state.reader = continuation }
                    return state.hasReason
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
        return state.withLock { state in
            state.isWoken = false
            defer { state.events = [] }
            return state.events
        }
    }
}
