package import Logging
import StacksTransport
import Synchronization

/// Standard error, for everything that is not a result: the log, and the reason why a program ends.
package enum StandardError {
    /// The only writer of standard error.
    package static let sink = LogSink(descriptor: 2) { noteOfDropped($0, in: form) }

    /// The line that says how many were dropped.
    static func noteOfDropped(_ count: Int, in form: LogForm) -> String {
        let lines = count == 1 ? "1 line of the log was" : "\(count) lines of the log were"
        return LogLine(
            level: .warning,
            message: "\(lines) dropped, because nobody read the log or it could not be written", label: "log"
        ).text(in: form)
    }

    private static let chosenForm = Mutex(JournalStream.isStandardError ? LogForm.journal : .full)

    /// How everything is written that is logged nowhere else: as systemd's journal reads it when standard error goes
    /// there, and in full otherwise. A program can choose another form.
    package static var form: LogForm {
        get { chosenForm.withLock { $0 } }
        set { chosenForm.withLock { $0 = newValue } }
    }

    /// How long a program that ends waits for the reader of its messages.
    package static let patience = Duration.seconds(2)

    /// The number of characters of a program's last words that are kept.
    private static let messageLimit = 8 * VisibleText.lineLimit

    /// Writes the reason why the program `name` ends, as one line.
    package static func write(_ message: String, by name: String) {
        sink.write(line(message, by: name, in: form), isVital: true)
    }

    /// Writes a text of the program `name` that has several lines, such as its usage.
    package static func write(lines text: String, by name: String) {
        switch form {
        case .full, .short, .shortOfSeveral: sink.write(VisibleText.escaped(text, keepsLines: true), isVital: true)
        case .journal:
            for line in text.split(separator: "\n") { write(String(line), by: name) }
        case .json: write(text, by: name)
        }
    }

    /// The reason why a program ends, as one line. On a terminal it is no line of the log.
    static func line(_ message: String, by name: String, in form: LogForm) -> String {
        switch form {
        case .full, .short, .shortOfSeveral: "\(name): \(VisibleText.escaped(message, limit: messageLimit))"
        case .journal, .json:
            LogLine(level: .error, message: message, label: name, limit: messageLimit).text(in: form)
        }
    }

    /// A logger that writes to standard error.
    ///
    /// - Parameter form: ``form`` when it is `nil`.
    package static func logger(label: String, level: Logger.Level, form: LogForm? = nil) -> Logger {
        let form = form ?? self.form
        var logger = Logger(label: label) { LineLogHandler(label: $0, form: form, to: sink) }
        logger.logLevel = level
        return logger
    }
}
