public import Logging
public import StacksTransport

/// Buildkite's Stacks API, for a controller that polls for scheduled jobs, reserves them and has agents run them.
///
/// ```swift
/// let client = try StacksClient(token: token, transport: transport)
/// let page = try await client.scheduledJobs(stack: "mac-fleet", queue: "default", limit: 1000)
/// ```
///
/// A client is a value that can be shared by any number of tasks; copies share everything. Every operation is
/// `async throws`, takes ``CallOptions`` last, and returns a ``StacksResponse``. It throws ``StacksAPIError``, or
/// `CancellationError` when the calling task was cancelled. The transport stays the caller's to shut down.
public struct StacksClient: Sendable {
    let core: ClientCore

    init(core: ClientCore) { self.core = core }

    /// A client.
    ///
    /// - Parameters:
    ///   - token: A cluster's agent token (`bkct_…`).
    ///   - transport: What carries the requests.
    ///   - configuration: How the client behaves.
    ///   - logger: Where it logs; nowhere when left out.
    /// - Throws: ``StacksAPIError`` with ``StacksAPIError/Code/invalidArgument`` when a value cannot be used.
    public init(
        token: String,
        transport: any HTTPTransport,
        configuration: Configuration = Configuration(),
        logger: Logger? = nil
    ) throws {
        try self.init(token: Secret(token), transport: transport, configuration: configuration, logger: logger)
    }

    /// A client.
    ///
    /// - Parameters:
    ///   - token: A cluster's agent token (`bkct_…`).
    ///   - transport: What carries the requests.
    ///   - configuration: How the client behaves.
    ///   - logger: Where it logs; nowhere when left out.
    /// - Throws: ``StacksAPIError`` with ``StacksAPIError/Code/invalidArgument`` when a value cannot be used.
    public init(
        token: Secret,
        transport: any HTTPTransport,
        configuration: Configuration = Configuration(),
        logger: Logger? = nil
    ) throws {
        core = try ClientCore(token: token, transport: transport, configuration: configuration, logger: logger)
    }
}

extension StacksClient: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The base URL.
    public var description: String { "StacksClient(\(core.baseURL))" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows the base URL alone, so that a dump reveals no credential.
    public var customMirror: Mirror { Mirror(self, children: ["baseURL": core.baseURL.description]) }
}
