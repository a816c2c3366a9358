package import Logging
import StacksTransport

/// Where everything goes that is no result: the log, and why a program ends.
package enum StandardError {
    /// The one writer of standard error.
    package static let sink = LogSink(descriptor: 2) { count in
        let lines = count == 1 ? "1 line" : "\(count) lines"
        return LineLogHandler.line(
            level: .warning, message: "\(lines) of the log were dropped: the log was not read, or could not be written",
            label: "log", form: .full, time: .now)
    }

    /// How long a program that ends waits for whoever reads what it has said.
    package static let patience = Duration.seconds(2)

    /// Says why the program `name` ends, as one entry.
    package static func write(_ message: String, by name: String) {
        sink.write("\(name): \(VisibleText.escaped(message, limit: 8 * VisibleText.lineLimit))", isVital: true)
    }

    /// Writes a text of the program's own that has several lines, such as how it is used.
    package static func write(lines text: String) {
        sink.write(VisibleText.escaped(text, keepsLines: true), isVital: true)
    }

    /// A logger whose lines go here.
    package static func logger(label: String, level: Logger.Level, form: LineLogHandler.Form = .full) -> Logger {
        var logger = Logger(label: label) { LineLogHandler(label: $0, form: form, to: sink) }
        logger.logLevel = level
        return logger
    }
}
