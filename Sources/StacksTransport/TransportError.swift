/// Why a transport has no complete response.
///
/// It says what failed (``code``), in which phase (``phase``), and whether the server may have seen the request
/// (``mayHaveReachedServer``). If it has not, every request can be sent again.
public struct TransportError: Error, Sendable {
    /// What failed. More codes may be added, so a `switch` needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Wrapped: String {
            case invalidRequest, nameResolution, connect, tls, certificate, proxy, timeout, connectionClosed, http2,
                protocolViolation
            case responseTooLarge, transportClosed, other
        }

        private let wrapped: Wrapped

        private init(_ wrapped: Wrapped) { self.wrapped = wrapped }

        /// A short name without dynamic values, for a metric's label.
        public var description: String { wrapped.rawValue }

        /// The request cannot be sent: its URL is malformed, or its scheme is not allowed.
        public static let invalidRequest = Code(.invalidRequest)
        /// The host's name, or the proxy's, did not resolve.
        public static let nameResolution = Code(.nameResolution)
        /// The connection failed.
        public static let connect = Code(.connect)
        /// The TLS handshake failed.
        public static let tls = Code(.tls)
        /// The server's certificate was rejected, or the client's own was rejected or unusable. A retry would fail in the
        /// same way.
        public static let certificate = Code(.certificate)
        /// The proxy refused the request, or did not respond as a proxy.
        public static let proxy = Code(.proxy)
        /// A time-out or the request's deadline passed; ``TransportError/phase`` says in which phase.
        public static let timeout = Code(.timeout)
        /// The connection was closed or reset before the response was complete.
        public static let connectionClosed = Code(.connectionClosed)
        /// HTTP/2 failed: the stream was reset, or a frame was invalid.
        public static let http2 = Code(.http2)
        /// The response is not HTTP, or its body is not encoded as its header says.
        public static let protocolViolation = Code(.protocolViolation)
        /// The response is longer than the transport's limit.
        public static let responseTooLarge = Code(.responseTooLarge)
        /// The transport was shut down.
        public static let transportClosed = Code(.transportClosed)
        /// Anything else; the message says what.
        public static let other = Code(.other)
    }

    /// The phase in which a call failed, in order of time.
    public enum Phase: String, Sendable, Hashable, Comparable, CaseIterable {
        /// Waiting for a free connection or stream; nothing was sent.
        case queued
        /// Resolving the host's name.
        case resolving
        /// Making the TCP connection.
        case connecting
        /// In the TLS handshake.
        case securing
        /// Writing the request.
        case sending
        /// The request was written; no byte of the response has arrived.
        case waiting
        /// Part of the response has arrived.
        case receiving

        /// Earlier phases come first.
        public static func < (lhs: Phase, rhs: Phase) -> Bool { lhs.order < rhs.order }

        private var order: Int { Self.allCases.firstIndex(of: self)! }
    }

    /// What failed.
    public var code: Code

    /// The phase in which it failed.
    public var phase: Phase

    /// Whether any byte of the request may have reached the server.
    ///
    /// `false` is certain: sending the request again repeats nothing. `true` means that it is unknown.
    public var mayHaveReachedServer: Bool

    /// What happened, for people. It contains no header field and no body.
    public var message: String

    /// A failure.
    ///
    /// - Parameters:
    ///   - code: What failed.
    ///   - phase: The phase in which it failed.
    ///   - mayHaveReachedServer: By default true from ``Phase/sending`` on.
    ///   - message: What happened, for people, without any header field or body.
    public init(code: Code, phase: Phase, mayHaveReachedServer: Bool? = nil, message: String) {
        self.code = code
        self.phase = phase
        self.mayHaveReachedServer = mayHaveReachedServer ?? (phase >= .sending)
        self.message = message
    }
}

extension TransportError: CustomStringConvertible {
    /// The message, the code and the phase, on one line of bounded length, with invisible characters escaped.
    public var description: String {
        let reached = mayHaveReachedServer ? "the server may have seen the request" : "the request was not sent"
        let message = VisibleText.escaped(message, limit: 2 * VisibleText.lineLimit)
        return "\(message) (\(code) while \(phase.rawValue); \(reached))"
    }
}
