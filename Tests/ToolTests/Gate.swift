import Foundation
import Testing

/// Holds a command back until the test lets it go on: two named pipes, so that nobody has to guess how long to wait.
struct Gate: Sendable {
    private let directory: URL

    /// What the command runs, in bash: it says that it has started, waits to be let through, and becomes the agent that
    /// is its name.
    var agent: String {
        """
        echo $$ >'\(directory.path)/started'
        read -r <'\(directory.path)/gate'
        exec "$0"
        """
    }

    fileprivate init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("gate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for name in ["started", "gate"] {
            try #require(mkfifo(directory.appendingPathComponent(name).path, 0o600) == 0)
        }
    }

    fileprivate func remove() {
        // A command that still waits finds the end of the pipe, and does not wait for ever where a test has failed.
        let gate = Foundation.open(directory.appendingPathComponent("gate").path, O_WRONLY | O_NONBLOCK)
        if gate >= 0 { close(gate) }
        try? FileManager.default.removeItem(at: directory)
    }

    /// Waits for the command, and keeps its process ID.
    func waitUntilStarted() async throws {
        let path = directory.appendingPathComponent("started").path
        // A named pipe opens when its other end does, which blocks: not for a thread that tasks share.
        let line = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
                        return String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
                    }
                )
            }
        }
        try line.write(to: directory.appendingPathComponent("pid"), atomically: true, encoding: .utf8)
    }

    /// Lets the command through.
    func open() throws {
        let handle = try FileHandle(forWritingTo: directory.appendingPathComponent("gate"))
        try handle.write(contentsOf: Data("go\n".utf8))
        try handle.close()
    }

    /// Whether the process that said that it had started is gone.
    func commandHasEnded() throws -> Bool {
        let text = try String(contentsOf: directory.appendingPathComponent("pid"), encoding: .utf8)
        let process = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        return kill(process, 0) != 0
    }
}

/// Makes a gate for `body` and takes it away afterwards.
func withGate(_ body: (Gate) async throws -> Void) async throws {
    let gate = try Gate()
    defer { gate.remove() }
    try await body(gate)
}
