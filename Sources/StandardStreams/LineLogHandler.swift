package import Logging
import StacksTransport

/// Writes each event as one line: line breaks and control characters inside it are escaped.
package struct LineLogHandler: LogHandler {
    /// The parts of a line.
    package enum Form: Sendable {
        /// Date, level, the logger's label, metadata, source and message, to be collected.
        case full
        /// Time, level, message and metadata, for a person at a terminal, who knows the day and the stack.
        case short
    }

    private let sink: LogSink
    private let label: String
    private let form: Form
    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.notice

    /// A handler that writes to `sink`.
    package init(label: String, form: Form = .full, to sink: LogSink) {
        self.sink = sink
        self.label = label
        self.form = form
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let own = event.metadata { all.merge(own) { _, own in own } }
        if let error = event.error { all["error"] = "\(error)" }
        sink.write(
            Self.line(
                level: event.level, message: "\(event.message)", metadata: all, label: label, source: event.source,
                form: form, time: WallTime.now))
    }

    /// The line of an event.
    package static func line(
        level: Logger.Level, message: String, metadata: Logger.Metadata = [:], label: String, source: String? = nil,
        form: Form, time: WallTime
    ) -> String {
        let message = VisibleText.escaped(message, limit: 5 * VisibleText.lineLimit)
        switch form {
        case .full:
            let source = source.map { " [\($0)]" } ?? ""
            return "\(time.dateAndTime) \(level) \(label):\(pairs(metadata))\(source) \(message)"
        case .short:
            // The status line shows the stack's key.
            return "\(time.time) \(level) \(message)\(pairs(metadata.filter { $0.key != "stack" }))"
        }
    }

    /// ` key=value` for each, sorted by name. An ambiguous value is in quotation marks.
    private static func pairs(_ metadata: Logger.Metadata) -> String {
        metadata.sorted { $0.key < $1.key }.map { name, value in
            " \(VisibleText.escaped(name, limit: 100))="
                + quoted(VisibleText.escaped("\(value)", limit: 5 * VisibleText.lineLimit))
        }
        .joined()
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && !text.utf8.contains { $0 == 0x20 || $0 == 0x22 || $0 == 0x3D }
        if isPlain { return text }
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        return "\"" + parts.joined(separator: "\\\"") + "\""
    }
}
