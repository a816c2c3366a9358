import Foundation
import HTTPTypes
public import StacksTransport
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Carries requests through Foundation's `URLSession`, for places where libcurl is not wanted.
///
/// It keeps the contract of `HTTPTransport`: no retries, no redirects, one outcome for each call, cancellation and
/// deadlines that end a call at once. One transport owns one ephemeral session without cookies, cache or stored
/// credentials.
///
/// ## What the engine does and does not do
/// - **HTTP version.** It cannot be chosen. On Apple's systems URLSession negotiates HTTP/2 or HTTP/3; on Linux it
///   takes what the system's libcurl negotiates, which is HTTP/2 over TLS where libcurl was built with it. There, calls
///   that start at the same time open a connection each, up to ``Configuration/maximumConnectionsPerHost``, because
///   none of them waits to see whether another's connection can be shared.
/// - **Repetition.** URLSession writes a request again on a new connection when a reused one turns out to be dead, and
///   there is no option against it. A request marked `TransportRequest.Replay.never` therefore travels on a connection
///   of its own, made for it and closed after it. Such a call pays for a connection and a TLS handshake, and does not
///   count against the connection limit. What that amounts to:
///   - Over HTTP/1.1 on Linux, the request is written at most once: the system's libcurl repeats one only on a
///     connection that was used before. The tests show it.
///   - Over HTTP/2 on Linux, it is written again when the server says that it has not processed it: by a stream that it
///     refuses (REFUSED_STREAM), or a GOAWAY that names an earlier one (RFC 9113, section 8.7), or when it asks for
///     HTTP/1.1 (HTTP_1_1_REQUIRED). It is acted on once, if the server keeps to its word.
///   - On Apple's systems the engine does not say when it repeats a request. That a new connection is not taken for
///     dead is what a session of its own is for there too; it is not tested, and Apple promises nothing about it.
///
///   Where that is too little, take `CurlTransport`, which refuses every second writing itself.
/// - **Idle connections.** What a server or a proxy sends on an idle connection, a "408 Request Timeout" for example,
///   is taken on Linux for the answer to the next request. One marked `TransportRequest.Replay.never` is safe from that.
/// - **Proxies.** It is the system's, or on Linux the environment's. A host on loopback is reached without; on Linux, where
///   that cannot be asked of the engine, the call fails with `TransportError.Code.invalidRequest` unless `no_proxy` names
///   the host.
/// - **Trust.** Certificates are checked against the system's store. Your own CA file, client certificates and pinned
///   keys cannot be given.
/// - **What the engine does not survive.** On Linux, with Foundation up to Swift 6.3, a server can end the process: by an
///   HTTP/1.1 response that breaks off within its header, and by one in chunks that ends with a trailer field. Foundation
///   traps on both, and nothing that can be set on a session or a request keeps it from that.
/// - **IPv6.** On Linux, Foundation up to Swift 6.3 takes no URL with an IPv6 address: the call fails with
///   `TransportError.Code.invalidRequest`. Use a name.
/// - **Failures.** URLSession says less than libcurl about how far a call had come. Where it cannot be known whether
///   the server saw the request, `TransportError.mayHaveReachedServer` is true.
/// - **Name look-ups.** On Linux a call that is given up while its host's name is looked up holds up the others of the
///   transport until the look-up is over: they end at their own deadlines, but are not begun before.
/// - **Metrics.** None are reported.
public final class URLSessionTransport: HTTPTransport {
    /// How a transport behaves.
    public struct Configuration: Sendable {
        /// How long a request without a deadline of its own may take, connecting included. 60 seconds by default, as
        /// `CurlTransport`'s.
        public var requestTimeout: Duration = .seconds(60)

        /// How many connections are open to one host at a time; further calls wait for one. 16 by default, twice as
        /// many as with `CurlTransport`, because here calls seldom share one: over HTTP/1.1 a connection carries one
        /// call at a time, and Buildkite limits most operations to 10 a second.
        public var maximumConnectionsPerHost: Int = 16

        /// The longest answer that is accepted, in bytes after decompression. 16 MiB by default, as `CurlTransport`'s:
        /// sixteen times the longest answer of the API, a page of 1000 jobs.
        public var maximumResponseSize: Int = 16 * 1024 * 1024

        /// The defaults.
        public init() {}
    }

    private struct State {
        var isShutDown = false
        /// Calls that have not ended, so that a shutdown can end them.
        var exchanges: [ObjectIdentifier: Exchange] = [:]
    }

    private let configuration: Configuration
    /// The session of all calls that may share a connection.
    private let engine: EngineSession
    #if !canImport(FoundationNetworking)
        /// The session of calls that no proxy may carry.
        private let directEngine: EngineSession
    #endif
    private let state = Mutex(State())

    /// A transport with a session of its own.
    ///
    /// - Throws: `ConfigurationError` when a limit or a time-out is not positive.
    public init(configuration: Configuration = Configuration()) throws(ConfigurationError) {
        try configuration.validate()
        self.configuration = configuration
        engine = EngineSession(configuration)
        #if !canImport(FoundationNetworking)
            directEngine = EngineSession(configuration, usesProxy: false)
        #endif
    }

    deinit {
        invalidate()
    }

    private func invalidate() {
        engine.invalidate()
        #if !canImport(FoundationNetworking)
            directEngine.invalidate()
        #endif
    }

    public nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
        try Task.checkCancellation()
        let urlRequest = try URLRequest(request)
        let deadline = request.deadline ?? .now.advanced(by: configuration.requestTimeout)
        guard deadline > .now else {
            throw TransportError(code: .timeout, phase: .queued, message: "The deadline of \(request) has passed")
        }
        let isDirect = try mustBeDirect(request)
        let exchange = Exchange(request, limit: configuration.maximumResponseSize)

        try register(exchange)
        defer { unregister(exchange) }
        switch request.replay {
        case .whenConnectionWasDead:
            return try await exchange.run(urlRequest, on: sharedEngine(isDirect: isDirect), until: deadline)
        case .never:
            // A session that has no connection yet: the engine has no dead one to write the request to in vain.
            let engine = EngineSession(configuration, usesProxy: !isDirect)
            defer { engine.invalidate() }
            return try await exchange.run(urlRequest, on: engine, until: deadline)
        }
    }

    /// Ends every call in flight with the code `transportClosed` and refuses further calls.
    ///
    /// When this returns the calls have ended, but the connections may still stand: the engine was asked to close them,
    /// and does so on a thread of its own, on Linux after the name look-ups that go on. Calling it again does nothing.
    public func shutdown() async {
        let exchanges = state.withLock { state in
            state.isShutDown = true
            defer { state.exchanges = [:] }
            return state.exchanges.values.map { $0 }
        }
        for exchange in exchanges { exchange.close() }
        invalidate()
    }

    private func sharedEngine(isDirect: Bool) -> EngineSession {
        #if canImport(FoundationNetworking)
            return engine
        #else
            return isDirect ? directEngine : engine
        #endif
    }

    /// Whether a request must not go through a proxy: to this machine, which a proxy could not reach, or in plaintext that
    /// no proxy may read.
    ///
    /// - Throws: `TransportError` where it would.
    private func mustBeDirect(_ request: TransportRequest) throws -> Bool {
        let isPlaintext = request.origin.prefix { $0 != ":" }.lowercased() == "http"
        guard HostAddress.isLoopback(hostOf: request.origin) || !request.allowsPlaintextProxy && isPlaintext else {
            return false
        }
        #if canImport(FoundationNetworking)
            if let variable = EnvironmentProxy.variable(for: request.origin) {
                throw TransportError(
                    code: .invalidRequest, phase: .queued,
                    message: "the environment's \(variable) would carry what goes to "
                        + "\(HostAddress.host(of: request.origin)), and URLSession on Linux can be kept from it by "
                        + "no_proxy alone: name the host there, or use CurlTransport")
            }
        #endif
        return true
    }

    /// Notes a call, so that a shutdown ends it.
    private func register(_ exchange: Exchange) throws {
        try state.withLock { state in
            guard !state.isShutDown else {
                throw TransportError(code: .transportClosed, phase: .queued, message: "The transport was shut down")
            }
            state.exchanges[ObjectIdentifier(exchange)] = exchange
        }
    }

    private func unregister(_ exchange: Exchange) {
        state.withLock { _ = $0.exchanges.removeValue(forKey: ObjectIdentifier(exchange)) }
    }
}

extension URLSessionTransport.Configuration {
    func validate() throws(ConfigurationError) {
        guard requestTimeout > .zero else {
            throw ConfigurationError("requestTimeout must be positive, not \(requestTimeout)")
        }
        guard maximumConnectionsPerHost > 0 else {
            throw ConfigurationError("maximumConnectionsPerHost must be positive, not \(maximumConnectionsPerHost)")
        }
        guard maximumResponseSize > 0 else {
            throw ConfigurationError("maximumResponseSize must be positive, not \(maximumResponseSize)")
        }
    }
}

/// Makes a transport, hands it to `body`, and shuts it down when that returns or throws.
///
/// - Returns: What `body` returns.
/// - Throws: `ConfigurationError` when the transport cannot be made, or what `body` throws.
public nonisolated(nonsending) func withURLSessionTransport<Result>(
    configuration: URLSessionTransport.Configuration = .init(),
    _ body: (URLSessionTransport) async throws -> Result
) async throws -> Result {
    let transport = try URLSessionTransport(configuration: configuration)
    do {
        let result = try await body(transport)
        await transport.shutdown()
        return result
    } catch {
        await transport.shutdown()
        throw error
    }
}
