public import HTTPTypes
import StacksTransport

/// What one call does otherwise than its client.
public struct CallOptions: Sendable {
    /// How failures are retried; `nil` for the client's policy. ``RetryPolicy/never`` sends one request only.
    public var retryPolicy: RetryPolicy?

    /// The instant by which the call has returned or thrown, retries and waits included; `nil` for none.
    public var deadline: ContinuousClock.Instant? {
        get { limit?.instant }
        set { limit = newValue.map(Moment.init) }
    }

    /// The same as ``deadline``.
    var limit: Moment?

    /// How long the call may take, retries and waits included; `nil` for no limit. With a ``deadline`` too, the earlier
    /// one counts.
    public var timeout: Duration?

    /// Header fields to send besides the client's own. One of the same name replaces the client's, but for those that
    /// are not the caller's to set: `Authorization`, `Host`, `Content-Length`, `Transfer-Encoding` and `Connection` are
    /// refused. So is a value with a control character other than a tab.
    public var headerFields: HTTPFields

    /// Whether a refusal that is not the API's own, a proxy's page for example, is waited out like a 503.
    package var waitsOutProxies = false

    /// The trace of the call that these are options for one request of.
    var trace = CallTrace()

    /// The client's own.
    public init() { headerFields = HTTPFields() }

    /// Options for one call; each left out is the client's.
    public init(
        retryPolicy: RetryPolicy? = nil,
        deadline: ContinuousClock.Instant? = nil,
        timeout: Duration? = nil,
        headerFields: HTTPFields = HTTPFields()
    ) {
        self.retryPolicy = retryPolicy
        limit = deadline.map(Moment.init)
        self.timeout = timeout
        self.headerFields = headerFields
    }
}
