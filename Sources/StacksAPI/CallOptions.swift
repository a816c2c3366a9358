public import HTTPTypes
import StacksTransport

/// Options of one call, which override its client's.
public struct CallOptions: Sendable {
    /// How failures are retried; `nil` for the client's policy. ``RetryPolicy/never`` sends a single request.
    public var retryPolicy: RetryPolicy?

    /// The instant by which the call must return or throw, retries and waits included; `nil` for no deadline.
    public var deadline: ContinuousClock.Instant? {
        get { deadlineMoment?.instant }
        set { deadlineMoment = newValue.map(Moment.init) }
    }

    /// The storage of ``deadline``: a moment, which is cheap to copy.
    var deadlineMoment: Moment?

    /// How long the call may take, retries and waits included; `nil` for no limit. If ``deadline`` is set too, the
    /// earlier one applies.
    public var timeout: Duration?

    /// Additional header fields. A field replaces the client's field of the same name. `Authorization`, `Host`,
    /// `Content-Length`, `Transfer-Encoding` and `Connection` cannot be set: they are errors, as is a value with a
    /// control character other than a tab.
    public var headerFields: HTTPFields

    /// Whether a refusal that does not come from the API, a proxy's page for example, is retried like a 503.
    package var waitsOutProxies = false

    /// Whether these are the options of one batch of a long list. Its cancellation is then a ``CancelledBatch``.
    var isBatch = false

    /// The trace of the whole call, when these are the options of one of its requests.
    var trace = CallTrace()

    /// The client's settings.
    public init() { headerFields = HTTPFields() }

    /// Options for one call; what is left out is the client's.
    public init(
        retryPolicy: RetryPolicy? = nil,
        deadline: ContinuousClock.Instant? = nil,
        timeout: Duration? = nil,
        headerFields: HTTPFields = HTTPFields()
    ) {
        self.retryPolicy = retryPolicy
        deadlineMoment = deadline.map(Moment.init)
        self.timeout = timeout
        self.headerFields = headerFields
    }
}
