import Foundation
import Logging

/// Writes log lines above the line that is painted on a terminal: the time, the level, what is said, and of what.
struct TerminalLogHandler: LogHandler {
    let terminal: Terminal
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.notice

    init(_ terminal: Terminal) { self.terminal = terminal }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let time = Date.now.formatted(.dateTime.hour(.twoDigits(amPM: .omitted)).minute(.twoDigits).second(.twoDigits))
        // The stack's key is in the painted line.
        let details = metadata.merging(event.metadata ?? [:]) { _, own in own }
            .filter { $0.key != "stack" }.sorted { $0.key < $1.key }
            .map { " \($0.key)=\($0.value)" }.joined()
        terminal.print(printable("\(time) \(event.level.rawValue) \(event.message)\(details)"))
    }
}
