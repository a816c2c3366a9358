/// Why a transport received no complete response.
///
/// It says what failed (``code``), how far the call had come (``phase``), and whether the server may have received the
/// request (``mayHaveReachedServer``). If it cannot have received it, every request is safe to retry.
public struct TransportError: Error, Sendable {
    /// What failed. Later versions may add codes, so a `switch` needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Wrapped: String {
            case invalidRequest, nameResolution, connect, tls, certificate, proxy, timeout, connectionClosed, http2,
                protocolViolation
            case responseTooLarge, transportClosed, other
        }

        private let wrapped: Wrapped

        private init(_ wrapped: Wrapped) { self.wrapped = wrapped }

        /// A short name without dynamic values, suitable as a metric label.
        public var description: String { wrapped.rawValue }

        /// The request cannot be sent: its URL is malformed, its scheme is not allowed, or a proxy would read it.
        public static let invalidRequest = Code(.invalidRequest)
        /// The name of the host or the proxy could not be resolved.
        public static let nameResolution = Code(.nameResolution)
        /// No connection could be established.
        public static let connect = Code(.connect)
        /// The TLS handshake failed.
        public static let tls = Code(.tls)
        /// The server's certificate was rejected, or the client certificate could not be used or was rejected. A retry
        /// fails in the same way.
        public static let certificate = Code(.certificate)
        /// The proxy refused the request, or did not respond like a proxy.
        public static let proxy = Code(.proxy)
        /// A timeout or the request's deadline passed. ``TransportError/phase`` says how far the call had come.
        public static let timeout = Code(.timeout)
        /// The connection was closed or reset before the response was complete.
        public static let connectionClosed = Code(.connectionClosed)
        /// HTTP/2 failed: the stream was reset, or a frame was invalid.
        public static let http2 = Code(.http2)
        /// The server sent something other than HTTP, or a body that is not in the announced encoding.
        public static let protocolViolation = Code(.protocolViolation)
        /// The response exceeds the transport's limit.
        public static let responseTooLarge = Code(.responseTooLarge)
        /// The transport was shut down.
        public static let transportClosed = Code(.transportClosed)
        /// Any other failure; the message says which.
        public static let other = Code(.other)
    }

    /// How far a call had come when it failed, in chronological order.
    public enum Phase: String, Sendable, Hashable, Comparable, CaseIterable {
        /// Waiting for a free connection or stream. Nothing was sent.
        case queued
        /// Resolving the host's name.
        case resolving
        /// Establishing the TCP connection.
        case connecting
        /// In the TLS handshake.
        case securing
        /// Writing the request.
        case sending
        /// The request is written. No byte of the response has arrived.
        case waiting
        /// Part of the response has arrived.
        case receiving

        /// Earlier phases come first.
        public static func < (lhs: Phase, rhs: Phase) -> Bool { lhs.order < rhs.order }

        private var order: Int { Self.allCases.firstIndex(of: self)! }
    }

    /// What failed.
    public var code: Code

    /// How far the call had come.
    public var phase: Phase

    /// Whether any byte of the request may have reached the server.
    ///
    /// `false` is certain: a retry cannot repeat the request. `true` means that it is unknown.
    public var mayHaveReachedServer: Bool

    /// What happened, for a person to read. It contains no header field and no body.
    public var message: String

    /// An error.
    ///
    /// - Parameters:
    ///   - code: What failed.
    ///   - phase: How far the call had come.
    ///   - mayHaveReachedServer: When left out, `true` from ``Phase/sending`` on.
    ///   - message: What happened, for a person to read, without header fields and body.
    public init(code: Code, phase: Phase, mayHaveReachedServer: Bool? = nil, message: String) {
        self.code = code
        self.phase = phase
        self.mayHaveReachedServer = mayHaveReachedServer ?? (phase >= .sending)
        self.message = message
    }
}

extension TransportError {
    /// The transport was shut down before the response was complete.
    package static func transportClosed(phase: Phase) -> TransportError {
        TransportError(code: .transportClosed, phase: phase, message: "the transport was shut down")
    }

    /// The deadline passed before the response was complete.
    package static func deadlineExceeded(phase: Phase) -> TransportError {
        TransportError(code: .timeout, phase: phase, message: "the deadline passed before the response was complete")
    }
}

extension TransportError: CustomStringConvertible {
    /// The message with ``code``, ``phase`` and ``mayHaveReachedServer``, on one line of bounded length. Invisible
    /// characters are escaped.
    public var description: String {
        let reached = mayHaveReachedServer ? "the server may have received the request" : "the request was not sent"
        let message = VisibleText.escaped(message, limit: 2 * VisibleText.lineLimit)
        return "\(message) (\(code) while \(phase.rawValue); \(reached))"
    }
}
