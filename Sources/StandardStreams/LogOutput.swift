#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes lines to a descriptor, and counts those that could not be written. It belongs to one thread.
struct LogOutput {
    /// The lines that are written in one go.
    struct Batch {
        /// Whole lines.
        var lines: [UInt8]
        /// How many lines were dropped after these because the buffer was full.
        var dropped: Int
        /// The status line of a terminal.
        var painted: String?
    }

    /// The size up to which a write to a pipe is atomic (Linux, PIPE_BUF).
    private static let atomicSize = 4096
    private static let lineFeed = UInt8(ascii: "\n")

    private let descriptor: Int32
    private let note: (_ dropped: Int) -> String
    /// Lines that could not be written and were not reported yet.
    private var lost = 0
    /// Whether an error truncated a line, so that the next write starts a new one.
    private var isInsideLine = false
    private var paintedLine = PaintedLine()

    init(descriptor: Int32, note: @escaping (_ dropped: Int) -> String) {
        self.descriptor = descriptor
        self.note = note
    }

    /// Writes a batch, and waits for the reader for as long as necessary.
    mutating func write(_ batch: Batch) {
        var lines = batch.lines
        if lost > 0, !lines.isEmpty { lines = line(lost) + lines }
        if batch.dropped > 0 { lines += line(batch.dropped) }
        let text = paintedLine.update(writing: lines, painting: batch.painted, width: width)
        if lines.isEmpty, text.isEmpty { return }
        if text != lines {
            // On a terminal, lines and the status line are written together.
            _ = DescriptorWriter.write(text[...], to: descriptor)
            lost = 0
            return
        }
        let unwritten = writeLines(lines)
        if unwritten == 0 { return lost = 0 }
        // Lines that report lost lines are not counted as lost themselves.
        let isFirstNoteWritten = lost == 0 || unwritten < lines.count { $0 == Self.lineFeed }
        let notes = (isFirstNoteWritten ? 0 : 1) + (batch.dropped > 0 ? 1 : 0)
        lost = (isFirstNoteWritten ? 0 : lost) + batch.dropped + unwritten - notes
    }

    /// - Returns: How many of the lines were not written completely.
    private mutating func writeLines(_ lines: [UInt8]) -> Int {
        var rest = lines[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.sizeOfLines(in: rest))
            let start = isInsideLine ? [Self.lineFeed] : []
            let (written, error) = DescriptorWriter.write((start + part)[...], to: descriptor)
            if error != nil {
                // The written bytes of `part` may end inside a line; the rest starts there.
                let done = part.prefix(max(0, written - start.count))
                if !done.isEmpty || written == start.count {
                    isInsideLine = done.last.map { $0 != Self.lineFeed } ?? false
                }
                return rest.dropFirst(done.count).count { $0 == Self.lineFeed }
            }
            isInsideLine = false
            rest = rest.dropFirst(part.count)
        }
        return 0
    }

    private func line(_ count: Int) -> [UInt8] { Array(note(count).utf8) + [Self.lineFeed] }

    /// The size of the lines at the beginning of `bytes` that are written together: as many as are not torn apart.
    private static func sizeOfLines(in bytes: ArraySlice<UInt8>) -> Int {
        if let end = bytes.prefix(atomicSize).lastIndex(of: lineFeed) { return end - bytes.startIndex + 1 }
        return bytes.firstIndex(of: lineFeed).map { $0 - bytes.startIndex + 1 } ?? bytes.count
    }

    /// How many characters fit into a line of the terminal, asked for each time: it can change at any moment.
    private var width: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
