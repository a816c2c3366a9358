import Logging
import StacksTransport
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The last warnings and errors of the log, in a bounded amount of memory.
final class RecentProblems: Sendable {
    /// One of them. Its text is what the log has: escaped, and without a secret.
    struct Problem: Sendable, Equatable {
        var time: Date
        var level: Logger.Level
        var message: String
        var stack: String?
        var job: String?
    }

    /// How many are kept.
    static let most = 50

    private let kept = Mutex<[Problem]>([])

    /// Those that are kept, the newest first.
    var all: [Problem] { kept.withLock { Array($0.reversed()) } }

    func add(_ problem: Problem) {
        kept.withLock { kept in
            if kept.count == Self.most { kept.removeFirst() }
            kept.append(problem)
        }
    }
}

/// Keeps what is logged as a warning or worse.
struct ProblemLogHandler: LogHandler {
    /// The longest part of a line that is kept, in characters.
    private static let longest = 500

    private let problems: RecentProblems
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.warning

    init(_ problems: RecentProblems) { self.problems = problems }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        // A multiplexer may hand on what another handler of it wants.
        guard event.level >= .warning else { return }
        func value(_ key: String) -> String? {
            (event.metadata?[key] ?? metadata[key]).map { VisibleText.escaped("\($0)", limit: 100) }
        }
        problems.add(
            .init(
                time: .now, level: event.level, message: VisibleText.escaped("\(event.message)", limit: Self.longest),
                stack: value("stack"), job: value("job")))
    }
}
