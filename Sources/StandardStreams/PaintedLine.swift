/// A line that stands below everything else on a terminal, and the bytes that keep it there.
struct PaintedLine {
    private static let clearLine = "\r\u{1B}[2K"

    /// What is on the terminal now.
    private var shown = ""

    /// The bytes that take the painted line away, write `lines`, and paint the line again below them.
    ///
    /// - Parameters:
    ///   - lines: Whole lines.
    ///   - text: What is to be painted; `nil` for nothing.
    ///   - width: The terminal's width now. The line is cropped to it: one that wraps cannot be painted over.
    mutating func update(writing lines: [UInt8], painting text: String?, width: Int) -> [UInt8] {
        let line = text.map { String($0.prefix(max(1, width - 1))) } ?? ""
        if lines.isEmpty, line == shown { return [] }
        var bytes: [UInt8] = []
        if !shown.isEmpty {
            // A terminal that has become narrower has wrapped the line: it takes several rows, the cursor is in the last.
            // Of one that cuts lines instead, rows of the log go too, from the screen alone.
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
