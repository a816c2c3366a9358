/// Why a transport has no whole answer to give.
///
/// It says what failed (``code``), how far the call had come (``phase``), and whether the server can have seen the
/// request (``mayHaveReachedServer``): a repetition is safe for every request when it cannot.
public struct TransportError: Error, Sendable {
    /// What failed. More may come, so a `switch` needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Wrapped: String {
            case invalidRequest, nameResolution, connect, tls, certificate, proxy, timeout, connectionClosed, http2,
                protocolViolation
            case responseTooLarge, transportClosed, other
        }

        private let wrapped: Wrapped

        private init(_ wrapped: Wrapped) { self.wrapped = wrapped }

        /// A short name without dynamic values, fit for a metric's label.
        public var description: String { wrapped.rawValue }

        /// The request cannot be sent as it is: its URL is malformed or its scheme not allowed.
        public static let invalidRequest = Code(.invalidRequest)
        /// The host's name, or the proxy's, did not resolve.
        public static let nameResolution = Code(.nameResolution)
        /// No connection could be made.
        public static let connect = Code(.connect)
        /// The TLS handshake failed.
        public static let tls = Code(.tls)
        /// The server's certificate was not accepted, or this side's own could not be used or was not accepted: trying
        /// again would end the same way.
        public static let certificate = Code(.certificate)
        /// The proxy refused, or did not speak as one.
        public static let proxy = Code(.proxy)
        /// A time-out or the request's deadline passed; ``TransportError/phase`` says while doing what.
        public static let timeout = Code(.timeout)
        /// The connection was closed or reset before the answer was whole.
        public static let connectionClosed = Code(.connectionClosed)
        /// HTTP/2 went wrong: the stream was reset, or a frame was not understood.
        public static let http2 = Code(.http2)
        /// What the server sent is not HTTP, or its body is not encoded as announced.
        public static let protocolViolation = Code(.protocolViolation)
        /// The answer is longer than the transport's limit.
        public static let responseTooLarge = Code(.responseTooLarge)
        /// The transport was shut down.
        public static let transportClosed = Code(.transportClosed)
        /// Anything else; the message says what.
        public static let other = Code(.other)
    }

    /// How far a call had come when it failed, in the order of time.
    public enum Phase: String, Sendable, Hashable, Comparable, CaseIterable {
        /// Waiting for a free connection or stream; nothing has left this process.
        case queued
        /// Looking up the host's name.
        case resolving
        /// Making the TCP connection.
        case connecting
        /// In the TLS handshake.
        case securing
        /// Writing the request.
        case sending
        /// The request is written; no byte of the answer has arrived.
        case waiting
        /// Part of the answer has arrived.
        case receiving

        /// Earlier phases come first.
        public static func < (lhs: Phase, rhs: Phase) -> Bool { lhs.order < rhs.order }

        private var order: Int { Self.allCases.firstIndex(of: self)! }
    }

    /// What failed.
    public var code: Code

    /// How far the call had come.
    public var phase: Phase

    /// Whether any byte of the request can have reached the server.
    ///
    /// `false` is certain: sending the request again repeats nothing. `true` means that it cannot be known.
    public var mayHaveReachedServer: Bool

    /// What happened, in words for a person. It holds no header field and no body.
    public var message: String

    /// A failure.
    ///
    /// - Parameters:
    ///   - code: What failed.
    ///   - phase: How far the call had come.
    ///   - mayHaveReachedServer: When left out, true from ``Phase/sending`` on.
    ///   - message: What happened, in words for a person, without any header field or body.
    public init(code: Code, phase: Phase, mayHaveReachedServer: Bool? = nil, message: String) {
        self.code = code
        self.phase = phase
        self.mayHaveReachedServer = mayHaveReachedServer ?? (phase >= .sending)
        self.message = message
    }
}

extension TransportError: CustomStringConvertible {
    /// The message, with what failed and how far the call had come: on one line, of bounded length, with an escape for
    /// each character that cannot be seen.
    public var description: String {
        let reached = mayHaveReachedServer ? "the server may have seen the request" : "the request was not sent"
        let message = VisibleText.escaped(message, limit: 2 * VisibleText.lineLimit)
        return "\(message) (\(code) while \(phase.rawValue); \(reached))"
    }
}
