extension TransportConformance.Rule {
    /// Method, path, query, header fields and body arrive as they were given, and come back as they were sent.
    public static let faithful = Self("what is sent arrives, and what is answered comes back")
    /// Every status is an answer, and none an error.
    public static let everyStatus = Self("every status is an answer")
    /// A redirect is the answer: the credentials in the header would travel to wherever it leads.
    public static let noRedirects = Self("a redirect is not followed")
    /// Bodies come whole, up to a megabyte at least, and all bytes are the same after as before.
    public static let wholeBodies = Self("bodies are whole")
    /// A longer answer than the limit fails with `responseTooLarge`, one of exactly the limit does not.
    public static let responseLimit = Self("an answer past the limit fails")
    /// Calls made at the same time each get their own answer.
    public static let concurrency = Self("calls at the same time get their own answers")
    /// A call ends at its deadline with the code `timeout`.
    public static let deadline = Self("a call ends at its deadline")
    /// A call whose deadline has passed before it begins fails with the code `timeout` and sends nothing.
    public static let pastDeadline = Self("a call whose deadline has passed sends nothing")
    /// A call whose task is cancelled throws `CancellationError` at once.
    public static let cancellation = Self("cancelling the task ends the call at once")
    /// A task that was cancelled before sends nothing.
    public static let cancelledBefore = Self("a task that was cancelled before sends nothing")
    /// However many calls are cancelled wherever they are, each ends once, and the transport works on.
    public static let manyCancellations = Self("calls cancelled at random points each end once")
    /// A request that must not be repeated arrives once, also on connections that are used again.
    public static let onlyOnce = Self("a request that must not be repeated arrives once")
    /// A refused connection has the code `connect`, and proves that nothing was sent.
    public static let refusedConnection = Self("a refused connection says that nothing was sent")
    /// An answer of HTTP/1.1 whose connection closes before the end of its header is none: the call fails, the server may
    /// have seen the request, and it is not written again. One without a body is whole with its header. The server for it
    /// is the suite's own, on loopback and in plaintext.
    public static let cutHeader = Self("a header that breaks off is no answer")
    /// After a shutdown, calls in flight and later ones fail with the code `transportClosed`.
    public static let shutdown = Self("a shutdown fails the calls in flight and later ones")
    /// A server whose certificate comes from an authority that only this transport was told of is spoken to.
    public static let privateAuthority = Self("a private certificate authority can be trusted")
    /// HTTP/2 is spoken with a server that offers it, and the metrics say so.
    public static let http2 = Self("HTTP/2 is spoken")

    /// Every rule, in the order in which they are checked.
    public static let all: [Self] = [
        .faithful, .everyStatus, .noRedirects, .wholeBodies, .responseLimit, .concurrency, .deadline, .pastDeadline,
        .cancellation, .cancelledBefore, .manyCancellations, .onlyOnce, .refusedConnection, .cutHeader,
        .shutdown, .privateAuthority, .http2,
    ]
}
