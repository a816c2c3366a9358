import Foundation
import HTTPTypes
public import StacksTransport
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Sends requests with Foundation's `URLSession`, where libcurl is not wanted.
///
/// It keeps the contract of `HTTPTransport`: no retries, no redirects, one outcome for each call, and cancellation and
/// deadlines that end a call at once. A transport owns an ephemeral session without cookies, cache or stored
/// credentials.
///
/// ## What the engine does and does not do
/// - **HTTP version.** It cannot be chosen. On Apple's systems URLSession negotiates HTTP/2 or HTTP/3. On Linux the
///   system's libcurl negotiates, over TLS for HTTP/2 if it was built with it. There, calls that start at the same time
///   open a connection each, up to ``Configuration/maximumConnectionsPerHost``, because no call waits for another's
///   connection.
/// - **Repetition.** URLSession writes a request again on a new connection if a reused one turns out to be dead, and has
///   no option against it. So a request marked `TransportRequest.Replay.never` uses a new connection, which is closed
///   after it. Such a call costs a connection and a TLS handshake, and does not count against the connection limit. The
///   result:
///   - Over HTTP/1.1 on Linux, the request is written at most once: the system's libcurl repeats one only on a reused
///     connection. The tests show it.
///   - Over HTTP/2 on Linux, it is written again if the server says that it has not processed it: with a refused stream
///     (REFUSED_STREAM), with a GOAWAY that names an earlier stream (RFC 9113, section 8.7), or with HTTP_1_1_REQUIRED. A
///     correct server then processes it once.
///   - On Apple's systems the engine does not document when it repeats a request. A new session avoids dead connections
///     there too, but that is neither tested nor promised by Apple.
///
///   If that is not enough, use `CurlTransport`, which never writes such a request twice.
/// - **Idle connections.** On Linux, data that a server or proxy sends on an idle connection, such as a "408 Request
///   Timeout", is read as the response to the next request, except one marked `TransportRequest.Replay.never`.
/// - **Proxies.** The system's proxy, or on Linux the environment's. A host on loopback is reached without a proxy. On
///   Linux, where the engine has no option for that, the call fails with `TransportError.Code.invalidRequest` unless
///   `no_proxy` names the host.
/// - **Trust.** Certificates are checked against the system's store. There is no custom CA file, client certificate or
///   pinned key.
/// - **Crashes.** On Linux, with Foundation up to Swift 6.3, a server can crash the process: with an HTTP/1.1 response
///   that ends within its header, and with a chunked one that ends with a trailer field. Foundation traps on both, and no
///   setting of a session or a request prevents it.
/// - **IPv6.** On Linux, Foundation up to Swift 6.3 rejects a URL with an IPv6 address: the call fails with
///   `TransportError.Code.invalidRequest`. Use a host name.
/// - **Failures.** URLSession reports less than libcurl about the progress of a call. If it is unknown whether the server
///   saw the request, `TransportError.mayHaveReachedServer` is true.
/// - **Name look-ups.** On Linux, a call that is cancelled or times out during its look-up blocks the transport's other
///   calls until the look-up ends. They still end at their own deadlines.
/// - **Metrics.** There are none.
public final class URLSessionTransport: HTTPTransport {
    /// How a transport behaves.
    public struct Configuration: Sendable {
        /// The time limit for a request without its own deadline, including the connection. 60 seconds by default, as for
        /// `CurlTransport`.
        public var requestTimeout: Duration = .seconds(60)

        /// The maximum number of connections to one host; further calls wait for one. 16 by default, twice as many as with
        /// `CurlTransport`, because calls rarely share one here: over HTTP/1.1 a connection carries one call at a time, and
        /// Buildkite limits most operations to 10 a second.
        public var maximumConnectionsPerHost: Int = 16

        /// The maximum size of a response's body, in bytes after decompression. 16 MiB by default, as for `CurlTransport`:
        /// sixteen times the longest response of the API, a page of 1000 jobs.
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
    /// - Throws: `ConfigurationError` if a limit or a time-out is not positive.
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
            throw TransportError(code: .timeout, phase: .queued, message: "the deadline of \(request) has passed")
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
                    message: "the environment's \(variable) applies to \(HostAddress.host(of: request.origin)), which "
                        + "must be reached without a proxy: add the host to no_proxy, or use CurlTransport")
            }
        #endif
        return true
    }

    /// Notes a call, so that a shutdown ends it.
    private func register(_ exchange: Exchange) throws {
        try state.withLock { state in
            guard !state.isShutDown else {
                throw TransportError(code: .transportClosed, phase: .queued, message: "the transport was shut down")
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

/// Makes a transport, passes it to `body`, and shuts it down when `body` returns or throws.
///
/// - Returns: What `body` returns.
/// - Throws: `ConfigurationError` if the transport cannot be made, or what `body` throws.
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
