public import Foundation
import Synchronization

/// A program that a test starts: its output is collected, every wait has a time limit, and it is killed at the latest
/// when the object goes away.
///
/// Its standard input is a pipe that this process holds open, so a program that ends with its input ends with the test.
/// Its output goes to files: of pipes, a test would have to notice the end, and programs that run at the same time can
/// keep each other's pipes open.
public final class ChildProcess: Sendable {
    /// What a program left behind.
    public struct Outcome: Sendable {
        /// 128 + n for signal n, as a shell has it.
        public var exitStatus: Int32
        public var output: [UInt8]
        public var errors: [UInt8]

        /// Standard output as text.
        public var text: String { String(decoding: output, as: UTF8.self) }
        /// Standard error as text.
        public var errorText: String { String(decoding: errors, as: UTF8.self) }
    }

    /// A wait that took too long, with what the program had said on standard error.
    public struct TimeLimitExceeded: Error, CustomStringConvertible {
        public var description: String
    }

    private struct State {
        var started: Started?
        var exitStatus: Int32?
        var nextID: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private static let starting = Mutex(())

    private let state = Mutex(State())
    private let output: CollectedFile
    private let errors: CollectedFile

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - environment: The whole environment; this process's own when left out.
    ///   - input: What its standard input holds; a pipe that stays open when `nil`.
    public init(
        _ executable: URL, _ arguments: [String], environment: [String: String]? = nil, input: [UInt8]? = nil
    ) throws {
        output = try CollectedFile()
        errors = try CollectedFile()
        // One start at a time: a program that another thread starts in between would inherit descriptors of this one,
        // and hold open what this one's end is noticed by.
        try Self.starting.withLock { _ in
            let process = Process()
            process.executableURL = executable
            process.arguments = arguments
            if let environment { process.environment = environment }
            let pipe = Pipe()
            for handle in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
                _ = fcntl(handle.fileDescriptor, F_SETFD, FD_CLOEXEC)
            }
            process.standardInput = try input.map { try CollectedFile(holding: $0).reading } ?? pipe
            process.standardOutput = output.writing
            process.standardError = errors.writing
            process.terminationHandler = { [weak self] process in
                self?.end(process.terminationStatus + (process.terminationReason == .uncaughtSignal ? 128 : 0))
            }
            try process.run()
            state.withLock { [started = Started(process: process, standardInput: pipe)] in $0.started = started }
        }
    }

    deinit { kill() }

    /// What it has written to standard error so far.
    public var errorText: String { String(decoding: errors.content, as: UTF8.self) }

    /// Sends a signal, if it runs.
    public func signal(_ number: Int32) {
        state.withLock { state in
            guard state.exitStatus == nil, let process = state.started?.process, process.isRunning else { return }
            Foundation.kill(process.processIdentifier, number)
        }
    }

    /// Stops it in its tracks, and returns when it has come to a halt. SIGCONT lets it go on.
    public func freeze() {
        let identifier = state.withLock { $0.started?.process.processIdentifier }
        signal(SIGSTOP)
        guard let identifier else { return }
        var information = siginfo_t()
        // The signal takes a moment to reach every thread. Nothing is taken away from whoever waits for the end.
        _ = waitid(P_PID, id_t(identifier), &information, WSTOPPED | WNOWAIT)
    }

    /// Sends SIGKILL, if it runs.
    public func kill() { signal(SIGKILL) }

    /// The first line of standard output, without its end; `nil` when the program ended before it wrote one.
    public func firstLine(within limit: Duration = .seconds(20)) async throws -> String? {
        let deadline = ContinuousClock.now + limit
        while true {
            let hasEnded = state.withLock { $0.exitStatus != nil }
            let content = output.content
            if let end = content.firstIndex(of: UInt8(ascii: "\n")) {
                return String(decoding: content[..<end], as: UTF8.self)
            }
            if hasEnded { return nil }
            guard ContinuousClock.now < deadline else { throw limitExceeded(limit) }
            // A file tells nobody that it has grown.
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Waits for the program's end. It is killed when that takes too long.
    public func outcome(within limit: Duration = .seconds(20)) async throws -> Outcome {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.waitForEnd() }
                group.addTask {
                    try await Task.sleep(for: limit)
                    throw self.limitExceeded(limit)
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            kill()
            throw error
        }
        return Outcome(
            exitStatus: state.withLock { $0.exitStatus ?? -1 }, output: output.content, errors: errors.content)
    }

    // MARK: Waiting

    private func limitExceeded(_ limit: Duration) -> TimeLimitExceeded {
        TimeLimitExceeded(description: "nothing within \(limit); standard error: \(errorText)")
    }

    private func end(_ exitStatus: Int32) {
        let waiting = state.withLock { state in
            state.exitStatus = exitStatus
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    private func waitForEnd() async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Under the lock, so that neither an end nor a cancellation that came just before is missed.
                let isOver = state.withLock { state in
                    if Task.isCancelled || state.exitStatus != nil { return true }
                    state.waiting[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
        }
        try Task.checkCancellation()
    }
}

/// A program that runs, and the pipe that it reads from, which is open for as long as this is kept.
///
/// Unchecked, and safe because the initializer that makes one hands it to the state behind the lock and does not use it
/// again; the termination handler reads only what is final by then.
private struct Started: @unchecked Sendable {
    var process: Process
    var standardInput: Pipe
}
