import StacksTransport
import Synchronization

/// Identifies a waiting call. Unique in the process.
struct CallID: Hashable, Sendable {
    let number: UInt64

    private static let last = Atomic<UInt64>(0)

    static func next() -> CallID {
        CallID(number: last.wrappingAdd(1, ordering: .relaxed).newValue)
    }
}

/// The state that callers and the I/O thread share.
///
/// Callers post commands; the I/O thread collects them. The mailbox accepts or refuses a call: the I/O thread resumes the
/// caller of an accepted call exactly once, and a closed mailbox refuses all calls.
final class CurlMailbox: Sendable {
    enum Command: Sendable {
        case start(CurlCall)
        case cancel(CurlCall)
        /// A job of a task that prefers to run on the I/O thread.
        case run(UnownedJob)
    }

    /// What the I/O thread does after it has collected the commands.
    enum Order {
        /// Handle the commands, then collect again.
        case work
        /// There are no commands: sleep until a socket is ready, a timer is due or the waker is written to.
        case sleep
        /// Fail all calls, free all resources and end.
        case stop
    }

    private enum Phase { case open, closing, closed }

    private struct State {
        var commands: [Command] = []
        var phase = Phase.open
        /// Whether the I/O thread sleeps or is about to. The first caller to post then wakes it.
        var isSleeping = false
        var statistics = CurlTransport.Statistics()
        /// Resumed when the I/O thread ends.
        var waitingForClose: [CheckedContinuation<Void, Never>] = []

        /// Whether the caller must write to the waker: `true` once for each sleep of the thread.
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
    /// - Returns: Whether it was accepted. If not, the caller fails the call.
    func post(_ call: CurlCall) -> Bool { post(.start(call)) }

    /// Asks the I/O thread to cancel a call. A call that it does not have is ignored.
    func cancel(_ call: CurlCall) { _ = post(.cancel(call)) }

    /// Hands a job to the I/O thread.
    ///
    /// - Returns: Whether it was accepted. If not, the job must run elsewhere.
    func post(_ job: UnownedJob) -> Bool { post(.run(job)) }

    @inline(__always)
    private func post(_ command: Command) -> Bool {
        let (isAccepted, mustWake) = state.withLock { state in
            guard state.phase == .open else { return (false, false) }
            state.commands.append(command)
            return (true, state.wakeOnce())
        }
        if mustWake { waker.wake() }
        return isAccepted
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

    /// Returns when the I/O thread has freed its resources.
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

    /// Moves the posted commands to `inbox`, which must be empty and whose storage is reused, and publishes the
    /// statistics.
    ///
    /// - Parameter maySleep: Whether the thread has nothing else to do. Only then may the result be ``Order/sleep``, after
    ///   which the next caller to post wakes the thread.
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

    /// Whether anything was posted that is not collected yet.
    var hasCommands: Bool { state.withLock { !$0.commands.isEmpty } }

    /// Called once by the I/O thread after it has freed all resources.
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
