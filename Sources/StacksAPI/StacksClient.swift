public import CoreMetrics
public import Logging
public import StacksTransport

#if Tracing
    public import Tracing
#endif

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

    /// The transport's preferred executor, for what is built on the client.
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

extension StacksClient {
    /// How a client behaves.
    ///
    /// Creating a client checks every value, and throws a `ConfigurationError` for one that cannot be used.
    public struct Configuration: Sendable {
        /// The base URL of the API. Default: Buildkite's, `https://agent.buildkite.com/v3/`.
        ///
        /// It may have a path, with or without a slash at the end. User info, a query and a fragment are errors.
        public var baseURL = "https://agent.buildkite.com/v3/"

        /// Whether the token may be sent in plaintext, over `http`, to a host that is not loopback or through a proxy.
        /// Default: no.
        ///
        /// A base URL on loopback never uses the environment's proxy.
        public var allowsInsecureHTTP = false

        /// What precedes this package's name in the user agent, `["mac-fleet/1.4"]` for example. Default: nothing.
        public var userAgentPrefixes: [String] = []

        /// How failures are retried, unless ``CallOptions/retryPolicy`` is set. Default: like Buildkite's Go client.
        public var retryPolicy = RetryPolicy.buildkite

        /// How many retries all calls may use together; `nil` for no limit. Default: 100 at once, then one per second
        /// and one for every ten successful calls, so that an outage does not multiply the client's requests.
        public var retryBudget: RetryBudget? = .standard

        /// How long one request may take until its response is complete. Default: 30 s, several times what the slowest
        /// operation takes. A call's deadline can end it sooner.
        public var requestTimeout = Duration.seconds(30)

        /// Whether the client paces requests, for each stack key and rate-limit scope, so that the server refuses none.
        /// Default: yes. The client starts with the documented limits and learns the real ones from responses. It does
        /// not pace where the server sets no limit. ``StacksResponse/rateLimitWait`` is how long a call waited.
        public var pacesRequests = true

        /// How many requests for one long list are sent at the same time. Default: 4, which even an endpoint with a
        /// limit of 10 requests per second allows.
        public var maximumConcurrentBatches = 4

        /// Whether the client logs bodies, at level `debug` and with secrets redacted. Default: no.
        public var logsPayloads = false

        /// Where counters and timers go; `nil` for the factory that `MetricsSystem` was bootstrapped with before the
        /// client was created. Default: `nil`. A `StackController` uses its client's. Without a factory nothing is
        /// measured.
        public var metricsFactory: (any MetricsFactory)?

        #if Tracing
            /// What records spans, with the trait `Tracing`; `nil` for the tracer of `InstrumentationSystem` at the
            /// time of a call. Default: `nil`. Without a tracer nothing is recorded.
            public var tracer: (any Tracer)?
        #endif

        /// The clock for waits and deadlines. Default: the continuous clock. A `StackController` uses its client's.
        /// Tests set a clock that they advance themselves.
        public var clock: any Clock<Duration> = ContinuousClock()

        /// The defaults.
        public init() {}
    }
}

extension StacksClient.Configuration {
    /// Checks every value, and that the transport keeps the token from plaintext: the one place for it.
    ///
    /// - Returns: The base URL.
    func checked(for transport: any HTTPTransport) throws(ConfigurationError) -> BaseURL {
        let baseURL = try BaseURL(baseURL, allowsInsecureHTTP: allowsInsecureHTTP)
        if let problem = plaintextProblem(of: transport, for: baseURL) ?? RequestFields.problem(of: userAgentPrefixes)
            ?? problem
        {
            throw ConfigurationError(problem)
        }
        return baseURL
    }

    /// What is wrong with the values that have no type of their own, or `nil`.
    private var problem: String? {
        if requestTimeout <= .zero { return "The request timeout must be more than 0, not \(requestTimeout)." }
        if maximumConcurrentBatches < 1 {
            return "The number of concurrent batches must be at least 1, not \(maximumConcurrentBatches)."
        }
        return retryBudget?.problem ?? retryPolicy.problem
    }

    /// Why the token may not go to the base URL over this transport, or `nil`.
    private func plaintextProblem(of transport: any HTTPTransport, for baseURL: BaseURL) -> String? {
        guard !allowsInsecureHTTP, let transport = transport as? any ProxiedTransport,
            let proxy = transport.plaintextProxy(for: baseURL.origin)
        else { return nil }
        return "The base URL \(baseURL) would send the token in plaintext through the proxy \(proxy). Use https or no "
            + "proxy, or set allowsInsecureHTTP."
    }
}
