import StandardStreams

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A terminal with a status line that is repainted while other lines scroll above it.
///
/// Everything goes through the log's writer, so that no line is mixed with the status line, and a terminal that is
/// stopped (Control-S) blocks only that writer.
struct Terminal: Sendable {
    private let sink: LogSink

    /// The terminal behind `descriptor`, or `nil` if it is not a terminal or cannot clear a line.
    init?(
        descriptor: Int32, sink: LogSink, environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        guard isatty(descriptor) == 1, let kind = environment["TERM"], !kind.isEmpty, kind != "dumb" else { return nil }
        self.sink = sink
    }

    /// Paints `text` as the last line, cropped to the terminal's width.
    func paint(_ text: String) { sink.paint(text) }

    /// Repaints the line for a new width.
    func repaint() { sink.repaint() }

    /// Removes the status line.
    func clear() { sink.paint(nil) }
}
