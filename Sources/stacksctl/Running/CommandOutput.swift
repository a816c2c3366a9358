import Dispatch
import Logging
import StacksTransport
import StandardStreams
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Shows the output of commands on a terminal, above the status line, or among the lines of a log in JSON: a pipe that
/// they write to, and a thread that reads it.
///
/// A line is shown when it is complete. On a terminal colours are kept; everywhere else, and whatever else is not seen,
/// is escaped.
final class CommandOutput: Sendable {
    /// A longer line is shown in parts.
    private static let longestLine = 8192

    /// The end that commands write to. It is closed on exec, so that only the commands that get it have it.
    let descriptor: Int32
    private let sink: LogSink
    private let isClosed = Mutex(false)
    private let hasEnded = DispatchSemaphore(value: 0)

    /// - Throws: ``Failure`` when no pipe can be created.
    init(to sink: LogSink, in form: LogForm = .short) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure.refused("could not create a pipe for the output of the commands.") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        descriptor = ends[1]
        self.sink = sink
        let reading = ends[0]
        let hasStarted = DetachedThread.start(named: "command output") { [hasEnded] in
            Self.show(reading, on: sink) { form == .json ? Self.events($0) : [Self.line($0)] }
            hasEnded.signal()
        }
        if !hasStarted {
            closeDescriptor(reading)
            throw Failure.refused("could not start a thread for the output of the commands.")
        }
    }

    /// Shows what has been written so far. Commands that still run cannot write any more.
    func close() {
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        closeDescriptor(descriptor)
        // A process that a command started may keep the other end open for ever.
        _ = hasEnded.wait(timeout: .now() + 1)
    }

    deinit { if !isClosed.withLock({ $0 }) { closeDescriptor(descriptor) } }

    private static func show(_ descriptor: Int32, on sink: LogSink, as lines: ([UInt8]) -> [String]) {
        defer { closeDescriptor(descriptor) }
        func show(_ bytes: [UInt8]) { for line in lines(bytes) { sink.writeWaiting(line) } }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var rest: [UInt8] = []
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            var start = 0
            while let end = buffer[start..<count].firstIndex(of: UInt8(ascii: "\n")) {
                show(rest + buffer[start..<end])
                rest = []
                start = end + 1
            }
            rest += buffer[start..<count]
            if rest.count > longestLine {
                show(rest)
                rest = []
            }
        }
        if !rest.isEmpty { show(rest) }
    }

    /// A line as an event of a log in JSON, whose logger is `command`, or as several when it is long.
    static func events(_ bytes: [UInt8]) -> [String] {
        let bytes = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes[...]
        return stride(from: 0, to: max(1, bytes.count), by: longestLine).map { start in
            let text = String(decoding: bytes.dropFirst(start).prefix(longestLine), as: UTF8.self)
            return LogLine(level: .info, message: text, label: "command", limit: longestLine).text(in: .json)
        }
    }

    /// A line as a terminal shows it: colours unchanged, only the text after the last carriage return, and every other
    /// invisible character escaped.
    static func line(_ bytes: [UInt8]) -> String {
        var bytes = bytes[...]
        while bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        if let last = bytes.lastIndex(of: UInt8(ascii: "\r")) { bytes = bytes[(last + 1)...] }
        var result = ""
        var hasColour = false
        var rest = String(decoding: bytes, as: UTF8.self)[...]
        while let match = rest.firstMatch(of: /\u{1B}\[[0-9;:]*m|\t/) {
            result += VisibleText.escaped(String(rest[..<match.range.lowerBound])) + String(match.output)
            hasColour = hasColour || match.output != "\t"
            rest = rest[match.range.upperBound...]
        }
        result += VisibleText.escaped(String(rest))
        return hasColour ? result + "\u{1B}[0m" : result
    }
}

/// `close`, where a method has the same name.
private func closeDescriptor(_ descriptor: Int32) { _ = close(descriptor) }
