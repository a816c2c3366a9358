import Foundation

/// Owns a program that this one started and talks to: lines and bytes, each awaited for a limited time.
///
/// Its standard input is a pipe that this process holds, so it ends when this process does, whatever happens.
final class Program {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// An executable file of this name in one of the folders of `PATH`.
    static func find(_ name: String) -> URL? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.map { URL(fileURLWithPath: String($0)).appendingPathComponent(name) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    let name: String
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread: [UInt8] = []

    init(_ executable: URL, _ arguments: [String]) throws {
        name = executable.lastPathComponent
        guard FileManager.default.isExecutableFile(atPath: executable.path) else {
            throw Failure(description: "\(executable.path) is not built")
        }
        // Programs that are started later must not hold this one's input open.
        for handle in [input.fileHandleForWriting, output.fileHandleForReading] {
            _ = fcntl(handle.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
        process.executableURL = executable
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try? input.fileHandleForReading.close()
        try? output.fileHandleForWriting.close()
    }

    var processIdentifier: Int32 { process.processIdentifier }

    deinit { stop() }

    /// Closes its input, which ends it, and waits; it is killed when that takes longer than five seconds.
    func stop() {
        if process.isRunning { end(within: 5) }
    }

    /// Closes its input, which ends it, and waits; it is killed when that takes longer than so many seconds.
    ///
    /// - Returns: Whether it ended by itself and without an error.
    @discardableResult
    func end(within seconds: Int) -> Bool {
        try? input.fileHandleForWriting.close()
        let end = Date.now + Double(seconds)
        while process.isRunning, Date.now < end { usleep(2000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        return process.terminationReason == .exit && process.terminationStatus == 0
    }

    func send(_ message: some Encodable) throws {
        try input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(message) + [UInt8(ascii: "\n")])
    }

    /// The next line of its output, read as JSON.
    func receive<Message: Decodable>(_ type: Message.Type, within seconds: Int) throws -> Message {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Data(unread[..<end])
                unread.removeFirst(end + 1)
                return try JSONDecoder().decode(type, from: line)
            }
            try readMore(within: seconds)
        }
    }

    /// The next `count` numbers of 64 bits of its output.
    func receive(count: Int, within seconds: Int) throws -> [UInt64] {
        let size = count * MemoryLayout<UInt64>.stride
        while unread.count < size { try readMore(within: seconds) }
        defer { unread.removeFirst(size) }
        return unread.withUnsafeBytes { bytes in
            (0..<count).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) }
        }
    }

    private func readMore(within seconds: Int) throws {
        let descriptor = output.fileHandleForReading.fileDescriptor
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(seconds * 1000)) > 0 else {
            throw Failure(description: "\(name) said nothing for \(seconds) s")
        }
        var part = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &part, part.count)
        guard count > 0 else { throw Failure(description: "\(name) ended") }
        unread += part[..<count]
    }
}
