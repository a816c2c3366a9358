public import HTTPTypes

/// Sends one HTTP request to a server and returns the complete response.
///
/// It separates the client, which knows Buildkite's API, from the library that sends the bytes. Pass one of this package's
/// transports (`CurlTransport`, `URLSessionTransport`, and for tests `InMemoryTransport`) to a client, or write your own:
/// the protocol has one method.
///
/// ## Rules for a transport
/// - **Exactly one outcome.** Every call of ``send(_:)`` returns or throws once, by its deadline.
/// - **Cancellation ends the call at once.** When the calling task is cancelled, the call throws `CancellationError` and
///   releases its connection or stream.
/// - **No decisions.** A transport never retries, never follows a redirect (the credentials in the header would travel
///   to another host), and never turns an HTTP status into an error.
/// - **``TransportRequest/replay`` is respected.** A request marked ``TransportRequest/Replay/never`` is written to the
///   network at most once, whatever happens to the connection.
/// - **Bodies are complete.** A response is buffered up to a limit that the transport documents. A longer one fails with
///   ``TransportError/Code/responseTooLarge``.
///
/// Failures are thrown as ``TransportError``, which also says whether the server may have seen the request.
public protocol HTTPTransport: Sendable {
    /// Sends `request` and returns the server's complete response, whatever its status.
    ///
    /// - Parameter request: What to send, where to, and the deadline of the response.
    /// - Returns: The response with its decompressed body. Every status counts as a response, also a redirect or a 500.
    /// - Throws: ``TransportError`` if no complete response was received, `CancellationError` if the task was cancelled.
    nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse
}

/// A request for a transport to send.
public struct TransportRequest: Sendable {
    /// Whether a transport, or the library that it uses, may write this request to the network a second time.
    public enum Replay: Sendable, Hashable {
        /// It may be written again on a new connection if a reused one turns out to be dead.
        case whenConnectionWasDead
        /// It must not be written twice: only the caller decides about a retry.
        case never
    }

    /// The method, such as `GET` or `POST`.
    public var method: HTTPRequest.Method

    /// Scheme, host and port, without a slash at the end: `https://agent.buildkite.com`.
    ///
    /// It is separate from ``path`` because it is the same for many calls: a transport can compare it cheaply and keep what
    /// it knows about the server.
    public var origin: String

    /// Path and query as they are sent, percent-encoded, starting with a slash.
    public var path: String

    /// The header fields. The transport adds `Host` and `Content-Length`.
    ///
    /// Pass the same value to many calls if you can: a transport may prepare it once.
    public var headerFields: HTTPFields

    /// The body's bytes, or `nil` if the request has none.
    public var body: [UInt8]?

    /// The instant at which the call fails without a response; `nil` for the transport's own request time-out.
    public var deadline: ContinuousClock.Instant? {
        get { limit?.instant }
        set { limit = newValue.map(Moment.init) }
    }

    /// The same as ``deadline``.
    package var limit: Moment?

    /// Whether the request may be written twice.
    public var replay: Replay

    /// Whether a proxy may read the request: with `http`, it passes a proxy in plaintext, including the credentials in its
    /// header. True by default. If false, a plaintext request goes to its host without the environment's proxy, and fails
    /// with ``TransportError/Code/invalidRequest``, unsent, if a proxy cannot be avoided.
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

    /// The same without a deadline.
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
    /// Method and path, without header fields and body, because they contain credentials.
    public var description: String { "\(method.rawValue) \(path)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows ``description`` alone, so that a dump of the request reveals no credential.
    public var customMirror: Mirror { Mirror(self, children: ["request": description]) }
}
