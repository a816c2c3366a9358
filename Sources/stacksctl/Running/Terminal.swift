import Foundation
import StandardStreams

/// A terminal whose last line is painted over again and again while other lines scroll above it.
///
/// Everything goes through the log's own writer, so that no line ever lands inside the painted one, and a terminal that
/// was stopped (with control and S) stops nobody but that writer.
struct Terminal: Sendable {
    private let sink: LogSink

    /// The terminal that `descriptor` is, or `nil` when it is none, or one that cannot clear a line.
    init?(
        descriptor: Int32, sink: LogSink, environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        guard isatty(descriptor) == 1, let kind = environment["TERM"], !kind.isEmpty, kind != "dumb" else { return nil }
        self.sink = sink
    }

    /// Paints `text` as the last line, cropped to the terminal's width.
    func paint(_ text: String) { sink.paint(text) }

    /// Paints the line again, for another width.
    func repaint() { sink.repaint() }

    /// Takes the painted line away.
    func clear() { sink.paint(nil) }
}
