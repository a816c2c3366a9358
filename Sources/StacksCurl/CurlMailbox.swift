import StacksTransport
import Synchronization

/// Names one call, so that it can be cancelled from any thread. Never used twice in a process.
struct CallID: Hashable, Sendable {
    let number: UInt64

    private static let last = Atomic<UInt64>(0)

    static func next() -> CallID {
        CallID(number: last.wrappingAdd(1, ordering: .relaxed).newValue)
    }
}

/// The only thing that callers and the I/O thread share.
///
/// Callers post commands; the I/O thread collects them. The mailbox takes a call's continuation or refuses it: once
/// taken, the I/O thread resumes it exactly once, and once the mailbox is closed it takes no more.
final class CurlMailbox: Sendable {
    enum Command: Sendable {
        case start(CurlCall)
        case cancel(CallID)
        /// A part of a task that prefers to run on the I/O thread.
        case run(UnownedJob)
    }

    /// What the I/O thread is to do after it has collected.
    enum Order {
        /// Handle what was collected, then collect again.
        case work
        /// Nothing was waiting: sleep until a socket is ready, a timer is due or the waker is written to.
        case sleep
        /// Fail every call, free everything and end.
        case stop
    }

    private enum Phase { case open, closing, closed }

    private struct State {
        var commands: [Command] = []
        var phase = Phase.open
        /// Whether the I/O thread sleeps, or is about to: whoever posts first then wakes it.
        var isSleeping = false
        var statistics = CurlTransport.Statistics()
        /// Resumed by the I/O thread with its last breath.
        var waitingForClose: [CheckedContinuation<Void, Never>] = []

        /// Whether the one who posted must write to the waker: only the first one while the thread sleeps.
        mutating func wakeOnce() -> Bool {
            defer { isSleeping = false }
            return isSleeping
        }
    }

    let waker: Waker
    private let state = Mutex(State())

    init() throws(ConfigurationError) {
        waker = try Waker()
    }

    // MARK: The callers' side

    /// Hands a call to the I/O thread.
    ///
    /// - Returns: Whether it was taken. A call that was refused is the caller's to fail.
    func post(_ call: CurlCall) -> Bool {
        let (isTaken, mustWake) = state.withLock { state in
            guard state.phase == .open else { return (false, false) }
            state.commands.append(.start(call))
            return (true, state.wakeOnce())
        }
        if mustWake { waker.wake() }
        return isTaken
    }

    /// Asks the I/O thread to end a call. An ID that it does not know, or no longer, is ignored.
    func cancel(_ id: CallID) {
        let mustWake = state.withLock { state in
            guard state.phase == .open else { return false }
            state.commands.append(.cancel(id))
            return state.wakeOnce()
        }
        if mustWake { waker.wake() }
    }

    /// Hands a part of a task to the I/O thread.
    ///
    /// - Returns: Whether it was taken. What was refused has to run elsewhere, or its task would never go on.
    func post(_ job: UnownedJob) -> Bool {
        let (isTaken, mustWake) = state.withLock { state in
            guard state.phase == .open else { return (false, false) }
            state.commands.append(.run(job))
            return (true, state.wakeOnce())
        }
        if mustWake { waker.wake() }
        return isTaken
    }

    /// Refuses calls from now on and tells the I/O thread to end.
    func close() {
        let mustWake = state.withLock { state in
            guard state.phase == .open else { return false }
            state.phase = .closing
            return state.wakeOnce()
        }
        if mustWake { waker.wake() }
    }

    /// Returns when the I/O thread has freed everything it owned.
    func waitUntilClosed() async {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if state.phase == .closed { return true }
                state.waitingForClose.append(continuation)
                return false
            }
            if isClosed { continuation.resume() }
        }
    }

    var statistics: CurlTransport.Statistics {
        state.withLock { state in
            var statistics = state.statistics
            for case .start in state.commands { statistics.queued += 1 }
            return statistics
        }
    }

    // MARK: The I/O thread's side

    /// Moves the posted commands to `inbox`, which must be empty and lends its storage for the next ones, and publishes
    /// the thread's figures.
    ///
    /// - Parameter maySleep: Whether the thread has nothing else to do. Only then does it get ``Order/sleep``, and the
    ///   next one to post will wake it.
    func collect(into inbox: inout [Command], statistics: CurlTransport.Statistics, maySleep: Bool) -> Order {
        state.withLock { state in
            swap(&state.commands, &inbox)
            state.statistics = statistics
            guard state.phase == .open else {
                state.isSleeping = false
                return .stop
            }
            state.isSleeping = maySleep && inbox.isEmpty
            return state.isSleeping ? .sleep : .work
        }
    }

    /// Said once by the I/O thread when nothing of libcurl is left.
    func didClose(statistics: CurlTransport.Statistics) {
        let waiting = state.withLock { state in
            state.phase = .closed
            state.statistics = statistics
            defer { state.waitingForClose = [] }
            return state.waitingForClose
        }
        for continuation in waiting { continuation.resume() }
    }
}
