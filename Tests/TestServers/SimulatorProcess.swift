public import Foundation

/// The real `stacks-simulator`, started for a test on a free port.
///
/// ```swift
/// try await SimulatorProcess.run(["--tls", "--jobs", "5"]) { simulator in
///     simulator.ready.url      // https://localhost:…/v3
/// }
/// ```
public final class SimulatorProcess: Sendable {
    /// The line that it prints once it listens.
    public struct Ready: Decodable, Sendable {
        /// The base URL of the API.
        public var url: String
        /// The base URL of the control endpoints.
        public var control: String
        public var address: String
        public var port: Int
        /// The CA file to trust; with `--tls` only.
        public var caFile: String?
        /// The agent token.
        public var token: String
        /// The first queue.
        public var queue: String
        public var queues: [String]
        /// The organizations, if there are several, or several tokens.
        public var organizations: [Organization]?

        public struct Organization: Decodable, Sendable {
            public var slug: String
            public var tokens: [String]
        }
    }

    /// Where it listens, and what it accepts.
    public let ready: Ready
    private let child: ChildProcess

    private init(ready: Ready, child: ChildProcess) {
        self.ready = ready
        self.child = child
    }

    /// What it has written to standard error so far.
    public var errorText: String { child.errorText }

    /// Starts it and waits until it listens. Call ``stop()``; it is killed when the object goes away or this process
    /// ends.
    ///
    /// - Throws: ``ChildProcess/StartFailure`` when it ended at once, ``ChildProcess/TimeLimitExceeded`` when it did
    ///   not get ready.
    public static func start(
        _ arguments: [String] = [], within limit: Duration = ChildProcess.patience
    ) async throws -> SimulatorProcess {
        let (ready, child): (Ready, ChildProcess) = try await ChildProcess.server(
            "stacks-simulator", ["--exit-with-stdin"] + arguments, within: limit)
        return SimulatorProcess(ready: ready, child: child)
    }

    /// Starts it, does `body`, and stops it whatever `body` does.
    public static func run<Result>(
        _ arguments: [String] = [], _ body: (SimulatorProcess) async throws -> Result
    ) async throws -> Result {
        let simulator = try await start(arguments)
        do {
            let result = try await body(simulator)
            try await simulator.stop()
            return result
        } catch {
            simulator.child.kill()
            throw error
        }
    }

    /// Stops it with `signal` and waits for its end; it is killed when that takes too long.
    ///
    /// - Returns: Its exit status.
    @discardableResult
    public func stop(signal: Int32 = SIGTERM, within limit: Duration = ChildProcess.patience) async throws -> Int32 {
        child.signal(signal)
        return try await child.outcome(within: limit).exitStatus
    }
}
