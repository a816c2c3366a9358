package import CoreMetrics
public import Logging
public import StacksTransport

/// A client of Buildkite's Stacks API, for controllers that poll for scheduled jobs, reserve them and start agents for
/// them.
///
/// ```swift
/// let client = try StacksClient(token: token, transport: transport)
/// let page = try await client.scheduledJobs(stack: "mac-fleet", queue: "default", limit: 1000)
/// ```
///
/// Any number of tasks can share a client; copies share their state. Every operation takes ``CallOptions`` last,
/// returns a ``StacksResponse``, and throws ``StacksAPIError``, or `CancellationError` when the calling task was
/// cancelled. The client does not shut the transport down; its owner does.
public struct StacksClient: Sendable {
    // The operations are extensions, in the folder `Operations`.

    let core: ClientCore

    init(core: ClientCore) { self.core = core }

    /// A client with an agent token that does not change: short for a ``TokenProvider/fixed(_:)`` provider.
    ///
    /// - Throws: As ``init(tokenProvider:transport:configuration:logger:)``, which explains the arguments.
    public init(
        token: String, transport: any HTTPTransport, configuration: Configuration = Configuration(),
        logger: Logger? = nil
    ) throws(ConfigurationError) {
        try self.init(
            tokenProvider: .fixed(Secret(token)), transport: transport, configuration: configuration, logger: logger)
    }

    /// A client.
    ///
    /// - Parameters:
    ///   - tokenProvider: Returns a cluster's agent token (`bkct_…`), of 8000 characters at most. The client calls it
    ///     before the first request, and again when the server refuses the token that it returned. The request is then
    ///     retried once, whatever the retry policy, because a request without authorization had no effect.
    ///   - transport: Sends the requests.
    ///   - configuration: How the client behaves.
    ///   - logger: Where it logs; nowhere when left out.
    /// - Throws: `ConfigurationError` when a value of the configuration or a fixed token cannot be used. The message
    ///   names the value and its limit.
    public init(
        tokenProvider: TokenProvider, transport: any HTTPTransport, configuration: Configuration = Configuration(),
        logger: Logger? = nil
    ) throws(ConfigurationError) {
        core = try ClientCore(
            token: tokenProvider, transport: transport, configuration: configuration, logger: logger)
    }

    /// Makes the next call ask the token provider: for a token that was replaced while the server still accepts the one
    /// before. Calls under way go on with that one. A fixed token stays.
    public func refreshToken() { core.credentials.refresh() }

    /// The clock that the client was configured with, for what is built on it.
    package var clock: any Clock<Duration> { core.configuration.clock }

    /// Where the client's calls cost least, for what is built on it.
    package var preferredExecutor: (any TaskExecutor)? { core.transport.preferredExecutor }

    /// Where the client's metrics go, for what is built on it.
    package var metricsFactory: any MetricsFactory { core.configuration.metricsFactory ?? MetricsSystem.factory }
}

extension StacksClient: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The base URL.
    public var description: String { "StacksClient(\(core.baseURL))" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows only the base URL, so that a dump reveals no credential.
    public var customMirror: Mirror { Mirror(self, children: ["baseURL": core.baseURL.description]) }
}
