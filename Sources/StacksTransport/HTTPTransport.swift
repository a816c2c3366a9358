/// Sends an HTTP request and returns the complete response.
///
/// The protocol separates the API from the network. Choose one of the transports of this package (`CurlTransport`,
/// `URLSessionTransport`, and `InMemoryTransport` for tests) and pass it to a client, or write your own: the protocol
/// requires one method.
///
/// ## Rules for a transport
/// - **Exactly one outcome.** Every call to ``send(_:)`` returns or throws once, at its deadline at the latest.
/// - **Cancellation ends the call at once.** When the calling task is cancelled, the call throws `CancellationError`
///   and releases its stream or connection.
/// - **No decisions.** A transport never retries, never follows a redirect (which would send the credentials to another
///   host), and never turns an HTTP status into an error.
/// - **``TransportRequest/replay`` is respected.** A transport writes a request marked
///   ``TransportRequest/Replay/never`` to the network at most once, whatever happens to the connection.
/// - **Bodies are complete.** A transport buffers the response up to a limit that it documents. A larger response fails
///   with ``TransportError/Code/responseTooLarge``.
///
/// Failures are thrown as a ``TransportError``, which also says whether the server may have received the request.
public protocol HTTPTransport: Sendable {
    /// Sends `request` and returns the server's complete response, whatever its status.
    ///
    /// - Parameter request: The request, with its URL and its deadline.
    /// - Returns: The response with its decompressed body. Redirects and error statuses are responses too.
    /// - Throws: ``TransportError`` when no complete response arrived, `CancellationError` when the task was cancelled.
    nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse

    /// The executor on which this transport's calls cost least: its own I/O thread, for example. `nil`, the default, when
    /// it makes no difference.
    ///
    /// `StackController` makes its calls there. The executor must run every job that is enqueued, after the transport was
    /// shut down too. A transport that wraps another one returns the other one's executor.
    var preferredExecutor: (any TaskExecutor)? { get }
}

extension HTTPTransport {
    /// Calls cost the same on every executor.
    public var preferredExecutor: (any TaskExecutor)? { nil }
}
