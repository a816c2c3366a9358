import Dispatch
import Synchronization

/// Writes a log to a descriptor from its own thread, the only one that waits for the reader of the log.
///
/// Lines wait in a bounded buffer. A line is dropped if the buffer is full, or if it cannot be written because the disk
/// is full or the reader is gone. As soon as lines are written again, one says how many were dropped. On a terminal the
/// sink can keep a status line below the others.
package final class LogSink: Sendable {
    private struct State {
        var pending: [UInt8] = []
        /// Lines dropped after the pending ones because the buffer was full.
        var dropped = 0
        /// The status line.
        var painted: String?
        var isToBePainted = false
        /// Whether the thread is working and need not be woken.
        var isAwake = false
        var hasThread = false
        /// Callers that wait until everything is written, and callers that wait for room.
        var flushing: [DispatchSemaphore] = []
        var waiting: [DispatchSemaphore] = []

        var isEmpty: Bool { pending.isEmpty && !isToBePainted }
    }

    private let descriptor: Int32
    private let capacity: Int
    private let note: @Sendable (_ dropped: Int) -> String
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)

    /// A sink that writes to `descriptor`, which stays open.
    ///
    /// - Parameters:
    ///   - capacity: The size of the buffer in bytes.
    ///   - note: The line that says how many lines were dropped.
    package init(
        descriptor: Int32, capacity: Int = 1 << 20, note: @escaping @Sendable (_ dropped: Int) -> String
    ) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.note = note
    }

    /// Writes a line soon, and never waits.
    ///
    /// - Parameter isVital: Whether the line may use reserved room when the buffer is full, as the reason why a program
    ///   ends does.
    package func write(_ line: String, isVital: Bool = false) {
        change { state in
            // The last part of the buffer is reserved for vital lines.
            let room = isVital ? capacity + 65_536 : capacity
            if state.pending.count + line.utf8.count + 1 > room {
                state.dropped += 1
            } else {
                state.pending += line.utf8
                state.pending.append(UInt8(ascii: "\n"))
            }
        }
    }

    /// Waits for room, and writes a line. Do not call it from a thread that others need.
    package func writeWaiting(_ line: String) {
        while true {
            let room = DispatchSemaphore(value: 0)
            var isTaken = false
            change { state in
                isTaken = state.pending.isEmpty || state.pending.count + line.utf8.count < capacity
                guard isTaken else { return state.waiting.append(room) }
                state.pending += line.utf8
                state.pending.append(UInt8(ascii: "\n"))
            }
            if isTaken { return }
            room.wait()
        }
    }

    /// Shows `text` as the status line of a terminal; `nil` removes it.
    package func paint(_ text: String?) {
        change { state in
            state.painted = text
            state.isToBePainted = true
        }
    }

    /// Repaints the status line after the terminal's size changed.
    package func repaint() { change { $0.isToBePainted = $0.painted != nil } }

    /// Waits until everything is written, at most for `limit`, so that a reader that does not read cannot keep a program
    /// from ending.
    ///
    /// - Returns: Whether everything is written.
    @discardableResult
    package func flush(within limit: Duration) -> Bool {
        let done = DispatchSemaphore(value: 0)
        let isDone = state.withLock { state in
            if !state.isAwake { return true }
            state.flushing.append(done)
            return false
        }
        return isDone || done.wait(timeout: .now() + limit / .seconds(1)) == .success
    }

    // MARK: The thread

    private func change(_ body: (inout State) -> Void) {
        let needs = state.withLock { state in
            body(&state)
            if state.isEmpty || state.isAwake { return (thread: false, waking: false) }
            defer { (state.hasThread, state.isAwake) = (true, true) }
            return (thread: !state.hasThread, waking: true)
        }
        if needs.thread {
            guard DetachedThread.start(named: "log", { [self] in work() }) else {
                // The next line tries again.
                state.withLock { ($0.hasThread, $0.isAwake) = (false, false) }
                return
            }
        }
        if needs.waking { wake.signal() }
    }

    /// Writes pending lines for as long as the process lives.
    private func work() {
        var output = LogOutput(descriptor: descriptor, note: note)
        while true {
            wake.wait()
            while let batch = take() { output.write(batch) }
        }
    }

    /// The next lines to write; `nil` when there are none, until the thread is woken.
    private func take() -> LogOutput.Batch? {
        let (batch, callers) = state.withLock { state in
            var callers = state.waiting
            state.waiting = []
            guard !state.isEmpty else {
                state.isAwake = false
                callers += state.flushing
                state.flushing = []
                return (nil as LogOutput.Batch?, callers)
            }
            defer { (state.pending, state.dropped, state.isToBePainted) = ([], 0, false) }
            return (LogOutput.Batch(lines: state.pending, dropped: state.dropped, painted: state.painted), callers)
        }
        for caller in callers { caller.signal() }
        return batch
    }
}
