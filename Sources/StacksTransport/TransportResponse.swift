public import HTTPTypes

/// A server's complete response.
public struct TransportResponse: Sendable {
    /// The status code.
    public var status: HTTPResponse.Status

    /// The header fields, kept as they arrived and parsed when one is read.
    public var headerFields: ResponseHeaderFields

    /// The decompressed body; empty if there is none.
    public var body: [UInt8]

    /// The timings of the call, if the transport measures them.
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

/// The timings of one call on the network.
///
/// Every duration is measured from the start of the call, as by libcurl
/// (<https://curl.se/libcurl/c/curl_easy_getinfo.html>). A phase that was skipped, because the connection was reused, is
/// zero.
public struct TransportMetrics: Sendable, Hashable {
    /// The version of HTTP that was used.
    public enum HTTPVersion: String, Sendable, Hashable, CustomStringConvertible {
        /// HTTP/1.0.
        case http1_0 = "HTTP/1.0"
        /// HTTP/1.1.
        case http1_1 = "HTTP/1.1"
        /// HTTP/2.
        case http2 = "HTTP/2"
        /// HTTP/3.
        case http3 = "HTTP/3"

        /// The version's usual name, such as `HTTP/2`.
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
    /// Whether an existing connection was reused.
    public var reusedConnection: Bool
    /// The version of HTTP that was used, or `nil` if it is unknown.
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
