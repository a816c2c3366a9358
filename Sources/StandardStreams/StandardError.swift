package import Logging
import StacksTransport

/// Standard error, for everything that is not a result: the log, and the reason why a program ends.
package enum StandardError {
    /// The only writer of standard error.
    package static let sink = LogSink(descriptor: 2) { count in
        let lines = count == 1 ? "1 line" : "\(count) lines"
        return LineLogHandler.line(
            level: .warning,
            message: "\(lines) of the log were dropped, because nobody read the log or it could not be written",
            label: "log", form: .full, time: .now)
    }

    /// How long a program that ends waits for the reader of its messages.
    package static let patience = Duration.seconds(2)

    /// Writes the reason why the program `name` ends, as one line.
    package static func write(_ message: String, by name: String) {
        sink.write("\(name): \(VisibleText.escaped(message, limit: 8 * VisibleText.lineLimit))", isVital: true)
    }

    /// Writes a text of the program that has several lines, such as its usage.
    package static func write(lines text: String) {
        sink.write(VisibleText.escaped(text, keepsLines: true), isVital: true)
    }

    /// A logger that writes to standard error.
    package static func logger(label: String, level: Logger.Level, form: LineLogHandler.Form = .full) -> Logger {
        var logger = Logger(label: label) { LineLogHandler(label: $0, form: form, to: sink) }
        logger.logLevel = level
        return logger
    }
}
