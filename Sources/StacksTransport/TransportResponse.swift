public import HTTPTypes

/// A server's whole answer.
public struct TransportResponse: Sendable {
    /// The status the server answered with.
    public var status: HTTPResponse.Status

    /// The header fields, kept as they arrived until somebody asks for one.
    public var headerFields: ResponseHeaderFields

    /// The body, decoded from its content encoding; empty when there is none.
    public var body: [UInt8]

    /// How the call went on the network, where the transport can tell.
    public var metrics: TransportMetrics?

    /// An answer.
    public init(
        status: HTTPResponse.Status,
        headerFields: ResponseHeaderFields = ResponseHeaderFields(),
        body: [UInt8] = [],
        metrics: TransportMetrics? = nil
    ) {
        self.status = status
        self.headerFields = headerFields
        self.body = body
        self.metrics = metrics
    }
}

/// How one call went on the network.
///
/// Every duration is counted from the moment the engine started the call, as libcurl does
/// (<https://curl.se/libcurl/c/curl_easy_getinfo.html>); a phase that did not happen, because the connection was
/// reused, is zero.
public struct TransportMetrics: Sendable, Hashable {
    /// The version of HTTP that was spoken.
    public enum HTTPVersion: String, Sendable, Hashable, CustomStringConvertible {
        /// HTTP/1.0.
        case http1_0 = "HTTP/1.0"
        /// HTTP/1.1.
        case http1_1 = "HTTP/1.1"
        /// HTTP/2.
        case http2 = "HTTP/2"
        /// HTTP/3.
        case http3 = "HTTP/3"

        /// The version's usual name, `HTTP/2` for example.
        public var description: String { rawValue }
    }

    /// Until the host's name was resolved.
    public var nameLookup: Duration
    /// Until the TCP connection stood.
    public var connect: Duration
    /// Until the TLS handshake was done.
    public var tlsHandshake: Duration
    /// Until the first byte of the answer arrived.
    public var firstByte: Duration
    /// Until the answer was whole.
    public var total: Duration
    /// Whether a connection that stood already was used.
    public var reusedConnection: Bool
    /// The version of HTTP that was spoken, or `nil` when the engine does not tell.
    public var httpVersion: HTTPVersion?

    /// The figures of one call.
    public init(
        nameLookup: Duration = .zero,
        connect: Duration = .zero,
        tlsHandshake: Duration = .zero,
        firstByte: Duration = .zero,
        total: Duration = .zero,
        reusedConnection: Bool = false,
        httpVersion: HTTPVersion? = nil
    ) {
        self.nameLookup = nameLookup
        self.connect = connect
        self.tlsHandshake = tlsHandshake
        self.firstByte = firstByte
        self.total = total
        self.reusedConnection = reusedConnection
        self.httpVersion = httpVersion
    }
}
