import Dispatch
import Synchronization

import class Foundation.Thread

/// Writes a log to a descriptor from a thread of its own: it alone waits for whoever reads the log.
///
/// What is to be written is kept in a bounded buffer. A line for which there is no room is dropped, and so is one that
/// cannot be written because the disk is full or the reader is gone; how many were is said as soon as lines are written
/// again. On a terminal it can keep one line painted below the others.
package final class LogSink: Sendable {
    private struct State {
        var pending: [UInt8] = []
        /// Lines for which there was no room after those that are pending.
        var dropped = 0
        /// What is to stand below the lines.
        var painted: String?
        var isToBePainted = false
        /// Whether the thread is at work, so that nobody needs to wake it.
        var isAwake = false
        var hasThread = false
        /// Those who wait until everything is written, and those who wait for room.
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
    ///   - capacity: How many bytes wait to be written before lines are dropped.
    ///   - note: The line that says how many lines were dropped.
    package init(
        descriptor: Int32, capacity: Int = 1 << 20, note: @escaping @Sendable (_ dropped: Int) -> String
    ) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.note = note
    }

    /// Writes a line, soon; it never waits.
    ///
    /// - Parameter isVital: Whether there is room for it where there is none for others: what ends a program is.
    package func write(_ line: String, isVital: Bool = false) {
        change { state in
            // Room for a few vital lines is kept free of all others.
            let room = isVital ? capacity + 65_536 : capacity
            if state.pending.count + line.utf8.count + 1 > room {
                state.dropped += 1
            } else {
                state.pending += line.utf8
                state.pending.append(UInt8(ascii: "\n"))
            }
        }
    }

    /// Writes a line, and waits for room first. Not for a thread that others need.
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

    /// Keeps `text` painted below the lines of a terminal, in the place of what was painted before; `nil` for nothing.
    package func paint(_ text: String?) {
        change { state in
            state.painted = text
            state.isToBePainted = true
        }
    }

    /// Paints again what is painted, for a terminal whose size has changed.
    package func repaint() { change { $0.isToBePainted = $0.painted != nil } }

    /// Waits until everything is written, for as long as `limit` at most: a reader that does not read keeps no program
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
            let thread = Thread { [self] in work() }
            thread.name = "log"
            thread.start()
        }
        if needs.waking { wake.signal() }
    }

    /// Writes what there is, again and again, and never ends: nor does what is logged.
    private func work() {
        var output = LogOutput(descriptor: descriptor, note: note)
        while true {
            wake.wait()
            while let batch = take() { output.write(batch) }
        }
    }

    /// What is to be written next; `nil` when there is nothing, until somebody wakes the thread.
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
