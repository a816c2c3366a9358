package import Logging

/// Writes each event as one line: line breaks and control characters inside it are escaped.
package struct LineLogHandler: LogHandler {
    private let sink: LogSink
    private let label: String
    private let form: LogForm
    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.notice

    /// A handler that writes to `sink`.
    package init(label: String, form: LogForm = .full, to sink: LogSink) {
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
        let line = LogLine(
            level: event.level, message: "\(event.message)", metadata: all, label: label, source: event.source)
        sink.write(line.text(in: form))
    }
}
