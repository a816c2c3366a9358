import CProcess
import Dispatch
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A process that this one has started, until it has ended.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Ending: Sendable, Hashable {
        case exited(Int32)
        case signalled(Int32)
        /// Other code in this process has reaped it, or it left no status because SIGCHLD is ignored.
        case unknown
        /// It has not ended, and this process may not signal it.
        case unstoppable
    }

    private enum State {
        case runs
        case isAwaited(CheckedContinuation<Ending, Never>)
        case ended(Ending)
    }

    /// Its number, which is that of its group and its session too.
    let process: pid_t
    private let state = Mutex(State.runs)

    init(_ process: pid_t) { self.process = process }

    /// Waits for the end. Call it once.
    nonisolated(nonsending) func end() async -> Ending {
        await withCheckedContinuation { continuation in
            let ending: Ending? = state.withLock { state in
                if case .ended(let ending) = state { return ending }
                state = .isAwaited(continuation)
                return nil
            }
            if let ending { continuation.resume(returning: ending) }
        }
    }

    /// Waits until the task is cancelled, and then sends SIGTERM to the group, and SIGKILL when the process has not ended
    /// after the grace period. Returns at once when it has ended. A process that may not be signalled is no longer waited
    /// for: its ending is ``Ending/unstoppable``.
    func stopWhenCancelled(gracePeriod: Duration) async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        guard runs else { return }
        signal(SIGTERM)
        // A task of its own, awaited here: this one is cancelled, and would not wait.
        await Task {
            let deadline = ContinuousClock.now.advanced(by: gracePeriod)
            while runs, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
            if !signal(SIGKILL) { ended(.unstoppable) }
        }.value
    }

    private var runs: Bool {
        state.withLock { state in
            if case .ended = state { false } else { true }
        }
    }

    /// Sends a signal to the group, unless the process has ended: its number may be somebody else's then.
    ///
    /// - Returns: Whether somebody could be signalled, or the process has ended.
    @discardableResult
    func signal(_ number: Int32) -> Bool { ChildProcesses.shared.signal(self, number) }

    /// Keeps the ending, and resumes the waiting task.
    fileprivate func ended(_ ending: Ending) {
        let waiter: CheckedContinuation<Ending, Never>? = state.withLock { state in
            switch state {
            case .isAwaited(let waiter):
                state = .ended(ending)
                return waiter
            case .runs: state = .ended(ending)
            // It counts as unstoppable already.
            case .ended: break
            }
            return nil
        }
        waiter?.resume(returning: ending)
    }
}

/// The processes that this one has started and whose end has not been seen.
///
/// One thread waits for whichever ends next, and exists only while there are any. So a running command needs no descriptor,
/// and a shortage of descriptors later cannot hide its end.
final class ChildProcesses: Sendable {
    /// There is one for the process, because the system lets a process wait for any of its children.
    static let shared = ChildProcesses()

    private struct State {
        var children: [pid_t: ChildProcess] = [:]
        var isWaiting = false
        var reapsOrphans = false
    }

    /// How long the thread pauses when a child that is not in this registry has ended and was not reaped: that child hides
    /// those that end after it.
    private static let pause: useconds_t = 20_000
    /// How often process 1 looks for orphans that it has inherited, while it has no child to wait for.
    private static let idlePause: useconds_t = 1_000_000

    private let state = Mutex(State())

    /// Starts a process, and registers it before its end can be seen.
    ///
    /// - Throws: What `start` throws.
    func start(_ start: () throws -> pid_t) throws -> ChildProcess {
        cprocess_keep_statuses()
        // Under the lock, so that the thread does not reap the new process as an orphan, nor one that posix_spawn reaps
        // itself.
        let child = try state.withLock { state in
            let child = ChildProcess(try start())
            state.children[child.process] = child
            return child
        }
        waitInBackground()
        return child
    }

    /// From now on reaps children too that this process has not started: the first process of a container inherits those
    /// whose parents have ended.
    func reapOrphans() {
        state.withLock { $0.reapsOrphans = true }
        waitInBackground()
    }

    func signal(_ child: ChildProcess, _ number: Int32) -> Bool {
        state.withLock { state in
            guard state.children[child.process] === child else { return true }
            return kill(-child.process, number) == 0 || errno != EPERM
        }
    }

    private func waitInBackground() {
        let isFirst = state.withLock { state in
            defer { state.isWaiting = true }
            return !state.isWaiting
        }
        if isFirst { BlockingWork.children.async { self.wait() } }
    }

    private func wait() {
        while mustWait() {
            let process = cprocess_wait_for_any()
            if process > 0 {
                if collect(process) { continue }
                collectAll()
                usleep(Self.pause)
            } else if errno == ECHILD {
                // Those that are registered have ended without a status.
                collectAll()
                if mustWait() { usleep(Self.idlePause) }
            }
        }
    }

    /// Whether there is a child to wait for. If not, the thread ends.
    private func mustWait() -> Bool {
        state.withLock { state in
            state.isWaiting = !state.children.isEmpty || state.reapsOrphans
            return state.isWaiting
        }
    }

    /// Reaps a child that has ended, and returns whether it was one of these or an orphan.
    private func collect(_ process: pid_t) -> Bool {
        let (isOurs, ended): (Bool, (ChildProcess, ChildProcess.Ending)?) = state.withLock { state in
            guard let child = state.children[process] else {
                var status: Int32 = 0
                if state.reapsOrphans { _ = cprocess_reap(process, &status) }
                return (state.reapsOrphans, nil)
            }
            return (true, Self.reap(child, in: &state).map { (child, $0) })
        }
        ended?.0.ended(ended?.1 ?? .unknown)
        return isOurs
    }

    private func collectAll() {
        let ended = state.withLock { state in
            state.children.values.compactMap { child in Self.reap(child, in: &state).map { (child, $0) } }
        }
        for (child, ending) in ended { child.ended(ending) }
    }

    private static func reap(_ child: ChildProcess, in state: inout State) -> ChildProcess.Ending? {
        var status: Int32 = 0
        let result = cprocess_reap(child.process, &status)
        guard result != 0 else { return nil }
        state.children[child.process] = nil
        guard result > 0 else { return .unknown }
        let code = cprocess_code(status)
        return cprocess_was_signalled(status) ? .signalled(code) : .exited(code)
    }
}
