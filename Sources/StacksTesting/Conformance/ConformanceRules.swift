extension TransportConformance.Rule {
    /// Method, path, query, header fields and body of requests and responses arrive unchanged.
    public static let faithful = Self("requests and responses arrive unchanged")
    /// The transport returns every status as a response, not as an error.
    public static let everyStatus = Self("every status is returned as a response")
    /// The transport returns a redirect as the response: following it would send the credentials to another host.
    public static let noRedirects = Self("a redirect is not followed")
    /// Bodies of up to a megabyte arrive complete and unchanged.
    public static let wholeBodies = Self("bodies are complete")
    /// A response beyond the limit fails with `responseTooLarge`; a response of exactly the limit does not.
    public static let responseLimit = Self("a response beyond the limit fails")
    /// Concurrent calls get their own responses.
    public static let concurrency = Self("concurrent calls get their own responses")
    /// A call fails at its deadline with the code `timeout`.
    public static let deadline = Self("a call ends at its deadline")
    /// A call whose deadline has already passed fails with the code `timeout` and sends nothing.
    public static let pastDeadline = Self("a call whose deadline has passed sends nothing")
    /// A call whose task is cancelled throws `CancellationError` at once.
    public static let cancellation = Self("cancelling the task ends the call at once")
    /// A call from a task that is already cancelled sends nothing.
    public static let cancelledBefore = Self("a task that is already cancelled sends nothing")
    /// Each of many calls that are cancelled at random points ends once, and the transport continues to work.
    public static let manyCancellations = Self("calls cancelled at random points each end once")
    /// A request that must not be repeated arrives once, also on reused connections.
    public static let onlyOnce = Self("a request that must not be repeated arrives once")
    /// A refused connection fails with the code `connect` and proves that nothing was sent.
    public static let refusedConnection = Self("a refused connection proves that nothing was sent")
    /// An HTTP/1.1 response whose connection closes before the end of its header is not a response: the call fails, the
    /// server may have received the request, and the request is not written again. A response without a body is complete
    /// with its header. The suite runs its own server for this rule, on loopback and in plaintext.
    public static let cutHeader = Self("an incomplete header is not a response")
    /// After a shutdown, calls in flight and later calls fail with the code `transportClosed`.
    public static let shutdown = Self("a shutdown fails calls in flight and later calls")
    /// The transport connects to a server whose certificate authority only this transport trusts.
    public static let privateAuthority = Self("a private certificate authority can be trusted")
    /// The transport uses HTTP/2 with a server that supports it, and the metrics report that.
    public static let http2 = Self("HTTP/2 is used")

    /// All rules, in the order in which they are checked.
    public static let all: [Self] = [
        .faithful, .everyStatus, .noRedirects, .wholeBodies, .responseLimit, .concurrency, .deadline, .pastDeadline,
        .cancellation, .cancelledBefore, .manyCancellations, .onlyOnce, .refusedConnection, .cutHeader,
        .shutdown, .privateAuthority, .http2,
    ]
}
