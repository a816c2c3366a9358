package import Logging
import StacksTransport

/// A line of a log, before it is written in some form. Whatever is in it, it stays one line of bounded length.
package struct LogLine {
    private let level: Logger.Level
    private let message: String
    private let metadata: Logger.Metadata
    private let label: String
    private let source: String?
    private let time: WallTime
    private let limit: Int

    /// - Parameters:
    ///   - label: The logger's, which is the name of the program.
    ///   - source: The module that logs; `nil` for the program itself.
    ///   - limit: The number of characters of the message that are kept.
    package init(
        level: Logger.Level, message: String, metadata: Logger.Metadata = [:], label: String, source: String? = nil,
        time: WallTime = .now, limit: Int = LogLine.textLimit
    ) {
        self.level = level
        self.message = message
        self.metadata = metadata
        self.label = label
        self.source = source
        self.time = time
        self.limit = limit
    }

    /// The number of characters of a message, or of a value, that are kept: a body has room in it.
    package static let textLimit = 5 * VisibleText.lineLimit

    /// The line, without its end.
    package func text(in form: LogForm) -> String {
        switch form {
        case .full:
            let source = source.map { " [\($0)]" } ?? ""
            return "\(time.dateAndTime) \(level) \(label):\(pairs(metadata))\(source) \(shownMessage)"
        case .short, .shortOfSeveral:
            // The status line shows the key of a single stack, and whoever knows the stack knows its queue.
            let hidden: Set = form == .short ? ["stack", "queue"] : ["queue"]
            let shown = metadata.filter { !hidden.contains($0.key) }
            return "\(time.time) \(level) \(shownMessage)\(pairs(shown))"
        case .journal:
            return "\(JournalStream.prefix(level))\(shownMessage)\(pairs(metadata))"
        case .json:
            var line = JSONLine(time: time, level: level, message: message, limit: limit, label: label, source: source)
            line.add(metadata)
            return line.text
        }
    }

    private var shownMessage: String { VisibleText.escaped(message, limit: limit) }

    /// ` key=value` for each, sorted by name. An ambiguous value is in quotation marks.
    private func pairs(_ metadata: Logger.Metadata) -> String {
        metadata.sorted { $0.key < $1.key }.map { name, value in
            " \(VisibleText.escaped(name, limit: 100))="
                + Self.quoted(VisibleText.escaped("\(value)", limit: Self.textLimit))
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
