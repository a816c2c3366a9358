import Foundation

/// The program `fault-server`, started for a test on a free port: a server that answers everything at once, in a
/// process of its own.
public final class FaultServerProcess: Sendable {
    /// The line that it prints once it listens.
    public struct Ready: Decodable, Sendable {
        /// Scheme, host and port.
        public var url: String
        public var port: Int
        /// The CA file to trust; with `--tls` only.
        public var caFile: String?
    }

    /// Where it listens.
    public let ready: Ready
    private let child: ChildProcess

    private init(ready: Ready, child: ChildProcess) {
        self.ready = ready
        self.child = child
    }

    /// Starts it and waits until it listens. It is killed when the object goes away, and ends with this process.
    ///
    /// - Throws: ``ChildProcess/StartFailure`` when it ended at once, ``ChildProcess/TimeLimitExceeded`` when it did
    ///   not get ready.
    public static func start(
        _ arguments: [String] = [], within limit: Duration = ChildProcess.patience
    ) async throws -> FaultServerProcess {
        let (ready, child): (Ready, ChildProcess) = try await ChildProcess.server(
            "fault-server", arguments, within: limit)
        return FaultServerProcess(ready: ready, child: child)
    }

    /// Starts it, does `body`, and kills it whatever `body` does.
    public static func run<Result>(
        _ arguments: [String] = [], _ body: (FaultServerProcess) async throws -> Result
    ) async throws -> Result {
        let server = try await start(arguments)
        do {
            let result = try await body(server)
            try await server.kill()
            return result
        } catch {
            server.child.kill()
            throw error
        }
    }

    /// Stops it in its tracks: its connections stand, and nobody reads them.
    public func freeze() { child.freeze() }

    /// Lets it go on.
    public func thaw() { child.signal(SIGCONT) }

    /// Ends it at once, as a crash would, and waits until it is gone.
    public func kill() async throws {
        child.kill()
        _ = try await child.outcome()
    }
}
