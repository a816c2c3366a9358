import Foundation
import Synchronization

/// What is known of a program: whether it runs, and how it ended.
final class ProcessLife: Sendable {
    private struct State {
        var identifier: pid_t?
        var end: Result<Int32, any Error>?
        /// What came before the program was there.
        var signals: [Int32] = []
        var nextID: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    /// Its number, while it runs.
    var identifier: pid_t? { state.withLock { $0.end == nil ? $0.identifier : nil } }

    /// Whether it is over.
    ///
    /// - Throws: Why it could not be started.
    func hasEnded() throws -> Bool { try state.withLock { try $0.end?.get() != nil } }

    func begin(_ identifier: pid_t) {
        state.withLock { state in
            state.identifier = identifier
            for signal in state.signals { kill(identifier, signal) }
            state.signals = []
        }
    }

    func end(_ end: Result<Int32, any Error>) {
        let waiting = state.withLock { state in
            state.end = end
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    func signal(_ number: Int32) {
        state.withLock { state in
            guard state.end == nil else { return }
            guard let identifier = state.identifier else { return state.signals.append(number) }
            kill(identifier, number)
        }
    }

    /// Waits for its end.
    ///
    /// - Throws: Why it could not be started, or that this task was cancelled.
    func exitStatus() async throws -> Int32 {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Under the lock, so that neither an end nor a cancellation that came just before is missed.
                let isOver = state.withLock { state in
                    if Task.isCancelled || state.end != nil { return true }
                    state.waiting[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
        }
        try Task.checkCancellation()
        guard let end = state.withLock({ $0.end }) else { throw CancellationError() }
        return try end.get()
    }
}
