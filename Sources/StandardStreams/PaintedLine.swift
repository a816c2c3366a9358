/// A status line below everything else on a terminal, and the bytes that keep it there.
struct PaintedLine {
    private static let clearLine = "\r\u{1B}[2K"

    /// The line that the terminal shows now.
    private var shown = ""

    /// The bytes that remove the status line, write `lines`, and paint the line again below them.
    ///
    /// - Parameters:
    ///   - lines: Whole lines.
    ///   - text: The new status line; `nil` for none.
    ///   - width: The terminal's current width. The line is cropped to it, because a wrapped line cannot be overwritten.
    mutating func update(writing lines: [UInt8], painting text: String?, width: Int) -> [UInt8] {
        let line = text.map { String($0.prefix(max(1, width - 1))) } ?? ""
        if lines.isEmpty, line == shown { return [] }
        var bytes: [UInt8] = []
        if !shown.isEmpty {
            // A terminal that became narrower has wrapped the line over several rows, with the cursor in the last one. If
            // it crops lines instead, this also removes rows of the log, but only from the screen.
            let rows = (shown.count + width - 1) / max(1, width)
            bytes += (rows > 1 ? "\r\u{1B}[\(rows - 1)A\u{1B}[J" : Self.clearLine).utf8
        } else if !line.isEmpty, lines.isEmpty {
            bytes += Self.clearLine.utf8
        }
        bytes += lines
        bytes += line.utf8
        shown = line
        return bytes
    }
}
