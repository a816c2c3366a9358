public import HTTPTypes

/// Carries one HTTP request to a server and brings the whole answer back.
///
/// This is the seam between what is said to Buildkite and how the bytes travel. Choose one of the transports of this
/// package (`CurlTransport`, `URLSessionTransport`, and for tests `InMemoryTransport`), hand it to a client, or write
/// your own: the protocol is one method.
///
/// ## Rules for a transport
/// - **Exactly one outcome.** Every call to ``send(_:)`` returns or throws once, at its deadline at the latest.
/// - **Cancellation ends the call at once.** When the calling task is cancelled, the call throws `CancellationError`
///   and what it held on the network is released.
/// - **No decisions.** A transport never retries, never follows a redirect (the credentials in the header would travel
///   to another host), and never turns an HTTP status into an error.
/// - **``TransportRequest/replay`` is kept.** A request marked ``TransportRequest/Replay/never`` is written to the
///   network at most once, whatever happens to the connection.
/// - **Bodies are whole.** An answer is buffered up to a limit that the transport documents; past the limit the call
///   fails with ``TransportError/Code/responseTooLarge``.
///
/// What fails is thrown as a ``TransportError``, which also says whether the server can have seen the request.
public protocol HTTPTransport: Sendable {
    /// Sends `request` and returns the server's whole answer, whatever its status.
    ///
    /// - Parameter request: What to send, where, and by when it has to be answered.
    /// - Returns: The answer with its body, decompressed. Every status is an answer, a redirect or a 500 too.
    /// - Throws: ``TransportError`` when no whole answer was received, `CancellationError` when the task was cancelled.
    nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse
}

/// What a transport puts on the wire.
public struct TransportRequest: Sendable {
    /// Whether a transport, or the engine below it, may write this request to the network a second time by itself.
    public enum Replay: Sendable, Hashable {
        /// The engine may send it again on a new connection when a reused one turns out to be dead.
        case whenConnectionWasDead
        /// It must not be written twice: the caller alone decides about a repetition.
        case never
    }

    /// The method, `GET` or `POST` for example.
    public var method: HTTPRequest.Method

    /// Scheme, host and port, without a slash at the end: `https://agent.buildkite.com`.
    ///
    /// It is apart from ``path`` because it stays the same from call to call: a transport can compare it cheaply and
    /// keep what it knows about the server.
    public var origin: String

    /// Path and query as they go on the wire, percent-encoded, beginning with a slash.
    public var path: String

    /// The header fields. `Host` and `Content-Length` are the transport's to add.
    ///
    /// Give the same value from call to call where you can: a transport may prepare it once.
    public var headerFields: HTTPFields

    /// The body's bytes, or `nil` when the request has none.
    public var body: [UInt8]?

    /// The instant at which the call fails if the answer has not arrived; `nil` leaves it to the transport's own
    /// request time-out.
    public var deadline: ContinuousClock.Instant? {
        get { limit?.instant }
        set { limit = newValue.map(Moment.init) }
    }

    /// The same as ``deadline``.
    package var limit: Moment?

    /// Whether the request may be written twice.
    public var replay: Replay

    /// Whether a proxy may read the request: over `http` it passes every proxy in plaintext, with the credentials in its
    /// header. True by default. When it is false, a plaintext request goes to its host without the environment's proxy,
    /// and fails with ``TransportError/Code/invalidRequest``, unsent, where a proxy cannot be left out.
    ///
    /// `StacksClient` sets it to its own `allowsInsecureHTTP`.
    public var allowsPlaintextProxy = true

    /// The absolute URL, ``origin`` followed by ``path``.
    public var url: String { origin + path }
}

extension TransportRequest {
    /// A request for `origin` + `path`.
    public init(
        method: HTTPRequest.Method,
        origin: String,
        path: String,
        headerFields: HTTPFields = [:],
        body: [UInt8]? = nil,
        deadline: ContinuousClock.Instant? = nil,
        replay: Replay = .whenConnectionWasDead
    ) {
        self.init(
            method: method, origin: origin, path: path, headerFields: headerFields, body: body,
            limit: deadline.map(Moment.init), replay: replay)
    }

    /// The same without a deadline, and without an instant that is missing.
    package init(
        method: HTTPRequest.Method, origin: String, path: String, headerFields: HTTPFields, body: [UInt8]?,
        replay: Replay
    ) {
        self.init(
            method: method, origin: origin, path: path, headerFields: headerFields, body: body, limit: nil,
            replay: replay)
    }
}

extension TransportRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Method and path. Header fields and body are left out, because they hold credentials.
    public var description: String { "\(method.rawValue) \(path)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows ``description`` alone, so that a dump of the request reveals no credential.
    public var customMirror: Mirror { Mirror(self, children: ["request": description]) }
}
