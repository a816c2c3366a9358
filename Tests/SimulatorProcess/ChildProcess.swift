public import Foundation
import Synchronization

/// A program that a test starts: its output is collected, every wait has a time limit, and it is killed at the latest
/// when the object goes away.
///
/// Its standard input is a pipe that this process holds open, so a program that ends with its input ends with the test.
public final class ChildProcess: Sendable {
    /// What a program left behind.
    public struct Outcome: Sendable {
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

    private struct Waiter {
        var id: UInt64
        var isSatisfied: @Sendable (borrowing State) -> Bool
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var process: Process?
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var openStreams = 2
        var exitStatus: Int32?
        var nextID: UInt64 = 0
        var waiters: [Waiter] = []

        /// Whether nothing more will come: the program has ended, and both its streams have.
        var isOver: Bool { exitStatus != nil && openStreams == 0 }
    }

    private let state = Mutex(State())
    private let standardInput = Pipe()

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - environment: The whole environment; this process's own when left out.
    ///   - input: What its standard input holds; a pipe that stays open when `nil`.
    public init(
        _ executable: URL, _ arguments: [String], environment: [String: String]? = nil, input: [UInt8]? = nil
    ) throws {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        if let environment { process.environment = environment }
        process.standardInput = try input.map(Self.file(holding:)) ?? standardInput
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.terminationHandler = { [weak self] process in
            // A status of 128 + n for signal n, as a shell has it.
            let status = process.terminationStatus + (process.terminationReason == .uncaughtSignal ? 128 : 0)
            self?.update { $0.exitStatus = status }
        }
        collect(output) { $0.output += $1 }
        collect(errors) { $0.errors += $1 }
        try process.run()
        state.withLock { [process = UncheckedProcess(process)] in $0.process = process.value }
    }

    /// A file without a name that holds `bytes`. A pipe could fill up, or break, while it is written.
    private static func file(holding bytes: [UInt8]) throws -> FileHandle {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("input-\(UUID().uuidString)")
        try Data(bytes).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try FileHandle(forReadingFrom: url)
    }

    deinit { kill() }

    /// What it has written to standard error so far.
    public var errorText: String { state.withLock { String(decoding: $0.errors, as: UTF8.self) } }

    /// Sends SIGTERM, if it runs.
    public func terminate() {
        state.withLock { if $0.exitStatus == nil, let process = $0.process, process.isRunning { process.terminate() } }
    }

    /// Sends a signal, if it runs.
    public func signal(_ number: Int32) {
        state.withLock { state in
            guard state.exitStatus == nil, let process = state.process, process.isRunning else { return }
            Foundation.kill(process.processIdentifier, number)
        }
    }

    /// Sends SIGKILL, if it runs.
    public func kill() { signal(SIGKILL) }

    /// The first line of standard output, without its end; `nil` when the program ended before it wrote one.
    public func firstLine(within limit: Duration = .seconds(20)) async throws -> String? {
        let newline = UInt8(ascii: "\n")
        try await wait(within: limit) { $0.output.contains(newline) || $0.isOver }
        return state.withLock { state in
            state.output.firstIndex(of: newline).map { String(decoding: state.output[..<$0], as: UTF8.self) }
        }
    }

    /// Waits for the program's end. It is killed when that takes too long.
    public func outcome(within limit: Duration = .seconds(20)) async throws -> Outcome {
        do {
            try await wait(within: limit) { $0.isOver }
        } catch {
            kill()
            throw error
        }
        return state.withLock { Outcome(exitStatus: $0.exitStatus ?? -1, output: $0.output, errors: $0.errors) }
    }

    // MARK: Waiting

    /// Reads a stream to its end, on a thread of its own.
    ///
    /// A `readabilityHandler` would do without the thread, but on Linux it misses the end of a stream now and then when
    /// many programs run at the same time.
    private func collect(_ pipe: Pipe, _ append: @escaping @Sendable (inout State, ArraySlice<UInt8>) -> Void) {
        let handle = pipe.fileHandleForReading
        Thread.detachNewThread { [weak self] in
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(handle.fileDescriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                self?.update { append(&$0, buffer[..<count]) }
            }
            self?.update { $0.openStreams -= 1 }
        }
    }

    private func update(_ change: (inout State) -> Void) {
        let satisfied = state.withLock { state in
            change(&state)
            var (satisfied, waiting): ([Waiter], [Waiter]) = ([], [])
            for waiter in state.waiters {
                if waiter.isSatisfied(state) { satisfied.append(waiter) } else { waiting.append(waiter) }
            }
            state.waiters = waiting
            return satisfied.map(\.continuation)
        }
        for continuation in satisfied { continuation.resume() }
    }

    private func wait(
        within limit: Duration, until isSatisfied: @escaping @Sendable (borrowing State) -> Bool
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.wait(until: isSatisfied) }
            group.addTask {
                try await Task.sleep(for: limit)
                throw TimeLimitExceeded(description: "nothing within \(limit); standard error: \(self.errorText)")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func wait(until isSatisfied: @escaping @Sendable (borrowing State) -> Bool) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Under the lock, so that neither a change nor a cancellation that came just before is missed.
                let isOver = state.withLock { state in
                    if Task.isCancelled || isSatisfied(state) { return true }
                    state.waiters.append(Waiter(id: id, isSatisfied: isSatisfied, continuation: continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume()
        }
        try Task.checkCancellation()
    }
}

/// Carries a `Process` into the state that owns it from then on. It is safe because the initializer that made it does
/// not use it again, and the termination handler only reads what is final by then.
private struct UncheckedProcess: @unchecked Sendable {
    var value: Process
    init(_ value: Process) { self.value = value }
}
