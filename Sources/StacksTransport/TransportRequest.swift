public import HTTPTypes

/// An HTTP request, as a transport writes it to the network.
public struct TransportRequest: Sendable {
    /// Whether a transport, or the HTTP engine that it uses, may write the request to the network more than once.
    public enum Replay: Sendable, Hashable {
        /// The engine may retry the request on a new connection when a reused connection turns out to be closed.
        case whenConnectionWasDead
        /// The request must be written at most once. Only the caller may retry it.
        case never
    }

    /// The method, `GET` or `POST` for example.
    public var method: HTTPRequest.Method

    /// Scheme, host and port, without a trailing slash: `https://agent.buildkite.com`.
    ///
    /// It is separate from ``path`` because it rarely changes between calls: a transport can compare it cheaply and
    /// keep state for each server.
    public var origin: String

    /// Path and query, percent-encoded, beginning with a slash.
    public var path: String

    /// The header fields. The transport adds `Host` and `Content-Length`.
    ///
    /// Pass the same value for each call if you can: a transport may encode it once and reuse it.
    public var headerFields: HTTPFields

    /// The bytes of the body, or `nil` when the request has none.
    public var body: [UInt8]?

    /// When the call fails if it has no complete response by then. `nil` selects the transport's own request timeout.
    public var deadline: ContinuousClock.Instant? {
        get { deadlineMoment?.instant }
        set { deadlineMoment = newValue.map(Moment.init) }
    }

    /// The storage of ``deadline``: a moment, which is cheap to copy.
    package var deadlineMoment: Moment?

    /// Whether the request may be written more than once.
    public var replay: Replay

    /// Whether a proxy may read the request. Over `http`, a proxy sees it in plaintext, with the credentials in its
    /// header. True by default. When it is false, the transport sends a plaintext request without the environment's
    /// proxy, or, where it cannot bypass the proxy, fails with ``TransportError/Code/invalidRequest`` before it sends
    /// anything.
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
            deadlineMoment: deadline.map(Moment.init), replay: replay)
    }

    /// A request without a deadline. It avoids the optional `ContinuousClock.Instant`, which is slow to copy.
    package init(
        method: HTTPRequest.Method, origin: String, path: String, headerFields: HTTPFields, body: [UInt8]?,
        replay: Replay
    ) {
        self.init(
            method: method, origin: origin, path: path, headerFields: headerFields, body: body, deadlineMoment: nil,
            replay: replay)
    }
}

extension TransportRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Method and path. It omits header fields and body, because they contain credentials.
    public var description: String { "\(method.rawValue) \(path)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows only ``description``, so that a dump of the request reveals no credential.
    public var customMirror: Mirror { Mirror(self, children: ["request": description]) }
}
