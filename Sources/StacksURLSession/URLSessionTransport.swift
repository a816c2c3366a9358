import Foundation
import HTTPTypes
public import StacksTransport
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Sends requests with Foundation's `URLSession`, where libcurl is not available.
///
/// It keeps the contract of `HTTPTransport`: no retries, no redirects, one outcome for each call, and cancellation and
/// deadlines that end a call at once. A transport owns an ephemeral session without cookies, cache and stored credentials.
///
/// ## Limits of the engine
/// - **HTTP version.** It cannot be configured. On Apple's systems, URLSession negotiates HTTP/2 or HTTP/3. On Linux, it uses
///   the version that the system's libcurl negotiates: HTTP/2 over TLS if libcurl supports it. There, calls that start at
///   the same time open separate connections, up to ``Configuration/maximumConnectionsPerHost``, because none of them
///   waits to share the connection of another.
/// - **Retries.** URLSession retries a request on a new connection when a reused one turns out to be closed; no option
///   disables that. Therefore a request marked `TransportRequest.Replay.never` uses a connection of its own. Such a call
///   takes a connection and a TLS handshake, and does not count against the connection limit. In effect:
///   - Over HTTP/1.1 on Linux, the request is written at most once, because the system's libcurl retries only on reused
///     connections. The tests verify it.
///   - Over HTTP/2 on Linux, it is written again when the server reports that it has not processed it, with a refused
///     stream (REFUSED_STREAM), a GOAWAY with a lower stream ID (RFC 9113, section 8.7) or HTTP_1_1_REQUIRED. A server
///     that conforms processes it once.
///   - On Apple's systems, the engine does not report retries. A separate session avoids reused connections there too,
///     but that is not tested, and Apple does not guarantee it.
///
///   If that is not enough, use `CurlTransport`, which prevents every second writing itself.
/// - **Idle connections.** On Linux, unsolicited bytes from a server or a proxy on an idle connection, a "408 Request
///   Timeout" for example, are taken for the response to the next request. A request marked
///   `TransportRequest.Replay.never` is not affected.
/// - **Proxies.** The engine uses the system's proxy, or on Linux the environment's. Requests to a loopback host bypass it.
///   On Linux, where the engine cannot bypass it, such a call fails with `TransportError.Code.invalidRequest` unless
///   `no_proxy` names the host.
/// - **Trust.** The engine trusts the system's certificate authorities. A CA file, client certificates and pinned keys cannot
///   be configured.
/// - **Crashes.** On Linux, with Foundation up to Swift 6.3, a server can crash the process: with an HTTP/1.1 response that
///   ends within its header, and with a chunked response that has a trailer field. Foundation traps on both; no setting of
///   a session or a request prevents it.
/// - **End of the process.** On Linux, a connection that the engine closes in the background while the process exits can crash
///   it: OpenSSL's exit handler frees what the engine still uses. `_exit` instead of `exit` avoids that.
/// - **IPv6.** On Linux, Foundation up to Swift 6.3 does not support IPv6 addresses in URLs: the call fails with
///   `TransportError.Code.invalidRequest`. Use a host name.
/// - **Failures.** URLSession reports less than libcurl about how far a call had come. If it is unknown whether the server
///   received the request, `TransportError.mayHaveReachedServer` is true.
/// - **Name resolution.** On Linux, a call that ends while its host's name is being resolved delays the transport's other
///   calls until the resolution ends. They still end at their own deadlines.
/// - **Metrics.** There are none.
public final class URLSessionTransport: HTTPTransport {
    /// The configuration of a transport.
    public struct Configuration: Sendable {
        /// The timeout for a request without a deadline, including connecting. Default: 60 s, as in `CurlTransport`.
        public var requestTimeout: Duration = .seconds(60)

        /// The largest number of connections to one host; further calls wait. Default: 16, twice as many as in
        /// `CurlTransport`, because calls rarely share one here: over HTTP/1.1, a connection carries one call at a time,
        /// and Buildkite limits most operations to 10 per second.
        public var maximumConnectionsPerHost: Int = 16

        /// The largest accepted response, in bytes after decompression. Default: 16 MiB, as in `CurlTransport`: sixteen
        /// times the largest response of the API, a page of 1000 jobs.
        public var maximumResponseSize: Int = 16 * 1024 * 1024

        /// The defaults.
        public init() {}
    }

    private struct State {
        var isShutDown = false
        /// The calls in flight, for a shutdown.
        var calls: [ObjectIdentifier: URLSessionCall] = [:]
    }

    private let configuration: Configuration
    /// The session of all calls that may share a connection.
    private let engine: EngineSession
    #if !canImport(FoundationNetworking)
        /// The session of calls that bypass the proxy.
        private let directEngine: EngineSession
    #endif
    private let state = Mutex(State())

    /// Creates a transport with a session of its own.
    ///
    /// - Throws: `ConfigurationError` when a limit or a timeout is not positive.
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
            throw TransportError.deadlineExceeded(phase: .queued)
        }
        let isDirect = try mustBeDirect(request)
        let call = URLSessionCall(request, limit: configuration.maximumResponseSize)

        try register(call)
        defer { unregister(call) }
        switch request.replay {
        case .whenConnectionWasDead:
            return try await call.run(urlRequest, on: sharedEngine(isDirect: isDirect), until: deadline)
        case .never:
            // A new session has no connection that the engine could reuse and find closed.
            let engine = EngineSession(configuration, usesProxy: !isDirect)
            defer { engine.invalidate() }
            return try await call.run(urlRequest, on: engine, until: deadline)
        }
    }

    /// Fails all calls in flight, and later calls, with the code `transportClosed`.
    ///
    /// When this returns, the calls have ended, but connections may still be open: the engine closes them on a thread of its
    /// own, on Linux after running name resolutions. Further calls of this method have no effect.
    public func shutdown() async {
        let calls = state.withLock { state in
            state.isShutDown = true
            defer { state.calls = [:] }
            return state.calls.values.map { $0 }
        }
        for call in calls { call.close() }
        invalidate()
    }

    private func sharedEngine(isDirect: Bool) -> EngineSession {
        #if canImport(FoundationNetworking)
            return engine
        #else
            return isDirect ? directEngine : engine
        #endif
    }

    /// Whether a request must bypass the proxy: to this machine, which a proxy cannot reach, or in plaintext that no proxy
    /// may read.
    ///
    /// - Throws: `TransportError` when it must, but the engine cannot.
    private func mustBeDirect(_ request: TransportRequest) throws -> Bool {
        let isPlaintext = request.origin.prefix { $0 != ":" }.lowercased() == "http"
        guard HostAddress.isLoopback(hostOf: request.origin) || !request.allowsPlaintextProxy && isPlaintext else {
            return false
        }
        #if canImport(FoundationNetworking)
            if let variable = EnvironmentProxy.variable(for: request.origin) {
                throw TransportError(
                    code: .invalidRequest, phase: .queued,
                    message: "URLSession on Linux would send requests for \(HostAddress.host(of: request.origin)) "
                        + "through the proxy in \(variable): add the host to no_proxy, or use CurlTransport")
            }
        #endif
        return true
    }

    /// Registers a call, so that a shutdown ends it.
    private func register(_ call: URLSessionCall) throws {
        try state.withLock { state in
            guard !state.isShutDown else { throw TransportError.transportClosed(phase: .queued) }
            state.calls[ObjectIdentifier(call)] = call
        }
    }

    private func unregister(_ call: URLSessionCall) {
        state.withLock { _ = $0.calls.removeValue(forKey: ObjectIdentifier(call)) }
    }
}

extension URLSessionTransport.Configuration {
    func validate() throws(ConfigurationError) {
        guard requestTimeout > .zero else {
            throw ConfigurationError("requestTimeout is \(requestTimeout): it must be positive")
        }
        guard maximumConnectionsPerHost > 0 else {
            throw ConfigurationError("maximumConnectionsPerHost is \(maximumConnectionsPerHost): it must be positive")
        }
        guard maximumResponseSize > 0 else {
            throw ConfigurationError("maximumResponseSize is \(maximumResponseSize): it must be positive")
        }
    }
}

/// Creates a transport, passes it to `body`, and shuts it down when `body` returns or throws.
///
/// - Returns: The result of `body`.
/// - Throws: `ConfigurationError` when the transport cannot be created, or the error of `body`.
public nonisolated(nonsending) func withURLSessionTransport<Result>(
    configuration: URLSessionTransport.Configuration = .init(),
    _ body: (URLSessionTransport) async throws -> Result
) async throws -> Result {
    let transport = try URLSessionTransport(configuration: configuration)
    return try await closing(with: { await transport.shutdown() }, after: { try await body(transport) })
}
