public import CoreMetrics
import StacksTransport

#if Tracing
    public import Tracing
#endif

extension StacksClient {
    /// How a client behaves. It is checked when the client is made.
    public struct Configuration: Sendable {
        /// Where the API is. Default: Buildkite's own, `https://agent.buildkite.com/v3/`.
        ///
        /// It may have a path of its own, with or without a slash at the end. User info, query and fragment are
        /// refused.
        public var baseURL = "https://agent.buildkite.com/v3/"

        /// Whether the token may travel in plaintext, over `http`, to a host that is not loopback, or through a proxy.
        /// Default: no.
        ///
        /// A base URL on loopback is reached without the environment's proxy whatever this is.
        public var allowsInsecureHTTP = false

        /// What stands before this package's own name in the user agent, `["mac-fleet/1.4"]` for example. Default:
        /// nothing.
        public var userAgentPrefixes: [String] = []

        /// How failures are retried, unless a call says otherwise. Default: as Buildkite's Go client does.
        public var retryPolicy = RetryPolicy.buildkite

        /// How many retries all calls have together; `nil` for no bound. Default: 100 at once, then one a second and one for
        /// every ten successful calls, so that an outage does not multiply what a client sends.
        public var retryBudget: RetryBudget? = .standard

        /// How long one request may take until its answer is whole. Default: 30 s, several times what the slowest
        /// operation takes. A call's own deadline can end it sooner.
        public var requestTimeout = Duration.seconds(30)

        /// Whether requests are paced, for each stack key and rate-limit scope, so that the server has none to refuse.
        /// Default: yes. It begins with the documented limits and learns the real ones from the answers; where the server
        /// sets no limit, nothing is paced. ``StacksResponse/rateLimitWait`` tells how long a call waited.
        public var pacesRequests = true

        /// How many requests of one long list are under way at the same time. Default: 4, so that even an endpoint that
        /// allows 10 requests a second is not overrun.
        public var maximumConcurrentBatches = 4

        /// Whether bodies are logged, at level `debug`, with every secret redacted. Default: no.
        public var logsPayloads = false

        /// Where counters and timers go; `nil` for the one that `MetricsSystem` was bootstrapped with before the client was
        /// made. Default: `nil`. Nothing is measured when that is none.
        public var metricsFactory: (any MetricsFactory)?

        #if Tracing
            /// What records spans, with the trait `Tracing`; `nil` for the one that `InstrumentationSystem` has when a call
            /// is made. Default: `nil`. Nothing is recorded when that is none.
            public var tracer: (any Tracer)?
        #endif

        /// What waits between attempts and tells deadlines. Default: the continuous clock. Tests give one that they
        /// advance themselves.
        public var clock: any Clock<Duration> = ContinuousClock()

        /// The defaults.
        public init() {}
    }
}

extension StacksClient.Configuration {
    /// Checks every value, and that the transport keeps the token from plaintext: the one place for it.
    ///
    /// - Returns: The base URL.
    /// - Throws: ``StacksAPIError/Code/invalidArgument`` without an operation.
    func checked(for transport: any HTTPTransport) throws(StacksAPIError) -> BaseURL {
        let baseURL = try BaseURL(baseURL, allowsInsecureHTTP: allowsInsecureHTTP)
        if let problem = plaintextProblem(of: transport, for: baseURL) ?? RequestFields.problem(of: userAgentPrefixes)
            ?? problem
        {
            throw Argument.failure(problem, for: nil)
        }
        return baseURL
    }

    /// What is wrong with the values that have no type of their own, or `nil`.
    private var problem: String? {
        if requestTimeout <= .zero { return "The request time-out must be more than 0, not \(requestTimeout)." }
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
            + "proxy, or allow insecure HTTP explicitly when that is what you want."
    }
}
