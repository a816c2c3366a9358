public import Foundation
import Subprocess
import Synchronization
import TestEnvironment

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A program that a test starts: its output is collected, and it is killed at the latest when the object goes away.
///
/// It has the tests' own environment, from which what the shell around them had set was taken, or the one that is
/// given. Its standard input is a pipe that this process holds open, so a program that ends with its input ends with the
/// test. Its output goes to files: of pipes, a test would have to notice the end, and programs that run at the same time
/// can keep each other's pipes open.
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

    /// The longest that anything is waited for. No program needs that long on the busiest machine: it is for one that
    /// hangs, so that what it said is seen.
    public static let patience = Duration.seconds(240)

    private let output: CollectedFile
    private let errors: CollectedFile
    private let life = ProcessLife()
    private let input: HeldInput?

    /// Starts a program.
    ///
    /// That it could not be started is told by ``firstLine(within:)`` and ``outcome(within:)``.
    ///
    /// - Parameters:
    ///   - environment: The whole environment; the tests' own when left out.
    ///   - input: What its standard input holds; a pipe that stays open when `nil`.
    /// - Throws: When the files for its output cannot be made.
    public init(
        _ executable: URL, _ arguments: [String], environment: [String: String]? = nil, input: [UInt8]? = nil
    ) throws {
        precondition(test_environment_is_clean() == 1)
        (output, errors) = (try CollectedFile(), try CollectedFile())
        let reading: Int32
        if let input {
            self.input = nil
            reading = try CollectedFile(holding: input).duplicate()
        } else {
            let pipe = try HeldInput.make()
            (self.input, reading) = (pipe.held, pipe.reading)
        }
        let program = Configuration(
            executable: .path(FilePath(executable.path)), arguments: Arguments(arguments),
            environment: environment.map { variables in
                .custom(Dictionary(uniqueKeysWithValues: variables.map { (.init(stringLiteral: $0), $1) }))
            } ?? .inherit)
        let descriptors = try (output.duplicate(), errors.duplicate())
        // Of its own, because a program outlives the call that starts it; it ends with the program, which is killed when
        // this object goes away.
        Task { [life] in
            do {
                let result = try await Subprocess.run(
                    program, input: .fileDescriptor(.init(rawValue: reading), closeAfterSpawningProcess: true),
                    output: .fileDescriptor(.init(rawValue: descriptors.0), closeAfterSpawningProcess: true),
                    error: .fileDescriptor(.init(rawValue: descriptors.1), closeAfterSpawningProcess: true)
                ) { execution in
                    life.begin(execution.processIdentifier.value)
                }
                switch result.terminationStatus {
                case .exited(let status): life.end(.success(status))
                case .signaled(let signal): life.end(.success(128 + signal))
                }
            } catch {
                life.end(.failure(error))
            }
        }
    }

    deinit { kill() }

    /// What it has written to standard error so far.
    public var errorText: String { String(decoding: errors.content, as: UTF8.self) }
    /// What it has written to standard output so far.
    public var text: String { String(decoding: output.content, as: UTF8.self) }

    /// Writes to its standard input, if that is a pipe.
    public func send(_ bytes: [UInt8]) throws { try input?.write(bytes) }

    /// Sends a signal, if it runs; one that has yet to start gets it then.
    public func signal(_ number: Int32) { life.signal(number) }

    /// Stops it in its tracks, and returns when it has come to a halt. SIGCONT lets it go on.
    public func freeze() {
        signal(SIGSTOP)
        guard let identifier = life.identifier else { return }
        var information = siginfo_t()
        // The signal takes a moment to reach every thread. Nothing is taken away from whoever waits for the end.
        while waitid(P_PID, id_t(identifier), &information, WSTOPPED | WEXITED | WNOWAIT) != 0, errno == EINTR {}
    }

    /// Sends SIGKILL, if it runs.
    public func kill() { signal(SIGKILL) }

    /// The first line of standard output, without its end; `nil` when the program ended before it wrote one.
    public func firstLine(within limit: Duration = ChildProcess.patience) async throws -> String? {
        let deadline = ContinuousClock.now + limit
        while true {
            // Looked at before the file: what it wrote at its end is there then.
            let hasEnded = try life.hasEnded()
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
    public func outcome(within limit: Duration = ChildProcess.patience) async throws -> Outcome {
        do {
            let exitStatus = try await withThrowingTaskGroup(of: Int32.self) { group in
                group.addTask { [life] in try await life.exitStatus() }
                group.addTask {
                    try await Task.sleep(for: limit)
                    throw self.limitExceeded(limit)
                }
                defer { group.cancelAll() }
                return try await group.next() ?? -1
            }
            return Outcome(exitStatus: exitStatus, output: output.content, errors: errors.content)
        } catch {
            kill()
            throw error
        }
    }

    private func limitExceeded(_ limit: Duration) -> TimeLimitExceeded {
        TimeLimitExceeded(description: "nothing within \(limit); standard error: \(errorText)")
    }
}
