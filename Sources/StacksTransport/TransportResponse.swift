public import HTTPTypes

/// A server's complete response.
public struct TransportResponse: Sendable {
    /// The status.
    public var status: HTTPResponse.Status

    /// The header fields, parsed when they are read.
    public var headerFields: ResponseHeaderFields

    /// The body, decompressed; empty when there is none.
    public var body: [UInt8]

    /// Timings and connection of the call, or `nil` when the transport does not measure them.
    public var metrics: TransportMetrics?

    /// A response.
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

/// The timings and the connection of one call.
///
/// Durations count from the start of the call, as in libcurl (<https://curl.se/libcurl/c/curl_easy_getinfo.html>). The
/// phases of connecting are zero when the connection was reused.
public struct TransportMetrics: Sendable, Hashable {
    /// A version of HTTP.
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
    /// Until the TCP connection was established.
    public var connect: Duration
    /// Until the TLS handshake was complete.
    public var tlsHandshake: Duration
    /// Until the first byte of the response arrived.
    public var firstByte: Duration
    /// Until the response was complete.
    public var total: Duration
    /// Whether the call reused an open connection.
    public var reusedConnection: Bool
    /// The HTTP version of the response, or `nil` when the engine does not report it.
    public var httpVersion: HTTPVersion?

    /// The metrics of one call.
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
