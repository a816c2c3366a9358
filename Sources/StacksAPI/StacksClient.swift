package import CoreMetrics
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

    /// A client with an agent token that does not change; see ``init(tokenProvider:transport:configuration:logger:)``.
    public init(
        token: String, transport: any HTTPTransport, configuration: Configuration = Configuration(),
        logger: Logger? = nil
    ) throws {
        try self.init(token: Secret(token), transport: transport, configuration: configuration, logger: logger)
    }

    /// A client with an agent token that does not change; see ``init(tokenProvider:transport:configuration:logger:)``.
    public init(
        token: Secret, transport: any HTTPTransport, configuration: Configuration = Configuration(),
        logger: Logger? = nil
    ) throws {
        try self.init(
            tokenProvider: .fixed(token), transport: transport, configuration: configuration, logger: logger)
    }

    /// A client.
    ///
    /// - Parameters:
    ///   - tokenProvider: Returns a cluster's agent token (`bkct_…`). The client asks it before the first request, and again
    ///     when the server refuses the token that it returned. The request is then repeated once, whatever the retry
    ///     policy, because a request without authorization had no effect.
    ///   - transport: Sends the requests.
    ///   - configuration: How the client behaves.
    ///   - logger: Where it logs; nowhere when left out.
    /// - Throws: ``StacksAPIError`` with ``StacksAPIError/Code/invalidArgument``, and without an operation, when a value of
    ///   the configuration or the token cannot be used. The message names the value and its limit.
    public init(
        tokenProvider: TokenProvider, transport: any HTTPTransport, configuration: Configuration = Configuration(),
        logger: Logger? = nil
    ) throws {
        core = try ClientCore(
            token: tokenProvider, transport: transport, configuration: configuration, logger: logger)
    }

    /// The clock that the client was configured with, for what is built on it.
    package var clock: any Clock<Duration> { core.configuration.clock }

    /// Where the client's metrics go, for what is built on it.
    package var metricsFactory: any MetricsFactory { core.configuration.metricsFactory ?? MetricsSystem.factory }
}

extension StacksClient: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The base URL.
    public var description: String { "StacksClient(\(core.baseURL))" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows the base URL alone, so that a dump reveals no credential.
    public var customMirror: Mirror { Mirror(self, children: ["baseURL": core.baseURL.description]) }
}
