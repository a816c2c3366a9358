public import StacksTransport

/// Sends requests with libcurl. Calls reuse and share connections; over HTTP/2, all calls share one.
///
/// ```swift
/// let transport = try CurlTransport()
/// let client = try StacksClient(token: token, transport: transport)
/// try await client.registerStack(key: "mac-fleet")
/// await transport.shutdown()
/// ```
///
/// One I/O thread owns all of libcurl's handles; this class owns the thread. Create one transport for the process and
/// share it, so that calls share connections and resolved names. A call without a free stream or connection waits, first
/// come, first served, while its deadline runs. If a server allows fewer streams than
/// ``Configuration/maximumConcurrentStreams``, further calls wait inside libcurl, in libcurl's order.
///
/// End it with ``shutdown()``, or release it: the thread ends with the last reference.
public final class CurlTransport: HTTPTransport {
    /// The configuration that the transport was created with.
    public let configuration: Configuration

    private let mailbox: CurlMailbox
    let ioExecutor: CurlExecutor
    private let thread: CurlThread

    /// Creates a transport with connections of its own. It connects at the first call.
    ///
    /// - Throws: `ConfigurationError` when the configuration is invalid, when libcurl is too old or was built without
    ///   TLS, or when the thread or its pipe cannot be created.
    public convenience init(configuration: Configuration = Configuration()) throws(ConfigurationError) {
        try self.init(
            configuration: configuration, library: CurlLibrary.features, environment: .ofThisProcess)
    }

    /// A transport that uses only the features in `library` of the process's libcurl.
    package init(
        configuration: Configuration, library: CurlFeatures, environment: TrustEnvironment = TrustEnvironment()
    ) throws(ConfigurationError) {
        var configuration = configuration
        configuration.trustEnvironment = environment
        try configuration.validate()
        try CurlLibrary.prepare()
        try configuration.probe(library)
        self.configuration = configuration
        let mailbox = try CurlMailbox()
        self.mailbox = mailbox
        let executor = CurlExecutor(mailbox: mailbox)
        ioExecutor = executor
        thread = try CurlThread(named: "stacks-curl") { [configuration] in
            var loop = CurlLoop(
                configuration: configuration, library: library, mailbox: mailbox, executor: executor)
            loop.run()
        }
    }

    deinit {
        // No call is in flight, since each holds a reference. The thread frees its resources and ends.
        mailbox.close()
    }

    /// Sends `request` and returns the complete response.
    ///
    /// - Throws: `TransportError` when no complete response arrived, `CancellationError` when the task was cancelled.
    public nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
        let call = try newCall(request)
        await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { continuation in
                unsafe call.await(by: WaitingCaller(continuation))
                guard mailbox.post(call) else { return call.refuse(with: .transportClosed(phase: .queued)) }
                // The cancellation handler may have run before the call was posted. Its message was then ignored, so
                // cancellation is checked again after posting.
                if Task.isCancelled { mailbox.cancel(call) }
            }
        } onCancel: {
            mailbox.cancel(call)
        }
        return try call.takeOutcome()
    }

    /// The call for a request. It is a function of its own, so that the frame of ``send(_:)`` has no room for its temporaries.
    @inline(never)
    private func newCall(_ request: TransportRequest) throws -> CurlCall {
        try Task.checkCancellation()
        if !request.allowsPlaintextProxy, let proxy = plaintextProxy(for: request.origin) {
            throw TransportError(
                code: .invalidRequest, phase: .queued,
                message: "the proxy \(proxy) would read the request in plaintext, which the request does not allow")
        }
        let deadline = request.deadlineMoment ?? .now + configuration.requestTimeout
        return CurlCall(id: .next(), request: request, deadline: deadline)
    }

    /// Shuts the transport down. Calls in flight, waiting calls and later calls fail with
    /// `TransportError.Code.transportClosed`. When this returns, connections are closed and the I/O thread has ended.
    /// Further calls of this method wait for that too.
    ///
    /// The calls fail at once. With libcurl before 7.87, or 8.16, the rest takes until running name resolutions end.
    public func shutdown() async {
        mailbox.close()
        await mailbox.waitUntilClosed()
        thread.join()
    }

    /// The counters of the transport since it was created.
    public var statistics: Statistics { mailbox.statistics }

    /// The version of the libcurl in use, `8.5.0` for example.
    public static var libraryVersion: String { CurlLibrary.versionString }
}

extension CurlTransport: ProxiedTransport {
    package func plaintextProxy(for origin: String) -> String? {
        guard configuration.unixSocketPath == nil, isPlaintext(origin), configuration.proxy.isConfigured(for: origin)
        else { return nil }
        return configuration.proxy.shownName
    }
}

extension CurlTransport {
    /// A consistent snapshot of a transport's counters.
    public struct Statistics: Sendable, Hashable {
        /// Calls that wait for a free stream or connection.
        public var queued = 0
        /// Calls that libcurl is processing.
        public var inFlight = 0
        /// Calls that got a response, whatever its status.
        public var completed = 0
        /// Calls that failed, timeouts included.
        public var failed = 0
        /// Calls that were cancelled.
        public var cancelled = 0
        /// Connections that were opened.
        public var connectionsOpened = 0
        /// How often the transport took connections out of use, because a call timed out on one without a byte from the
        /// server, or because an HTTP/2 connection failed.
        public var connectionsQuarantined = 0
    }
}

/// Creates a transport, passes it to `body`, and shuts it down when `body` returns or throws.
///
/// - Returns: The result of `body`.
/// - Throws: `ConfigurationError` when the transport cannot be created, or the error of `body`.
public nonisolated(nonsending) func withCurlTransport<Result>(
    configuration: CurlTransport.Configuration = .init(),
    _ body: (CurlTransport) async throws -> Result
) async throws -> Result {
    let transport = try CurlTransport(configuration: configuration)
    return try await closing(with: { await transport.shutdown() }, after: { try await body(transport) })
}
