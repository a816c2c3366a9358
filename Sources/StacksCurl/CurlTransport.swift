public import StacksTransport

/// Sends requests with libcurl: connections are kept and shared, HTTP/2 carries many calls on one of them.
///
/// ```swift
/// let transport = try CurlTransport()
/// let client = try StacksClient(token: token, transport: transport)
/// try await client.registerStack(key: "mac-fleet")
/// await transport.shutdown()
/// ```
///
/// One I/O thread owns everything of libcurl; this class owns that thread. Make one transport for a process and share
/// it: calls on one transport share connections and name look-ups. A call that finds no free stream or connection waits
/// its turn, first come, first served, with its deadline running; where a server allows fewer streams than
/// ``Configuration/maximumConcurrentStreams``, those that wait inside libcurl do so in libcurl's order.
///
/// End it with ``shutdown()``, or let go of it: with the last reference the thread ends too.
public final class CurlTransport: HTTPTransport {
    /// What the transport was made with.
    public let configuration: Configuration

    private let mailbox: CurlMailbox
    let ioExecutor: CurlExecutor
    private let thread: CurlThread

    /// A transport with connections of its own. Nothing is sent before the first call.
    ///
    /// - Throws: `ConfigurationError` when a value of the configuration cannot work, when the libcurl of this process is
    ///   too old or built without TLS, or when the system refuses a thread or a pipe.
    public convenience init(configuration: Configuration = Configuration()) throws(ConfigurationError) {
        try self.init(
            configuration: configuration, library: CurlLibrary.features, environment: .ofThisProcess)
    }

    /// A transport that takes the process's libcurl for one that can do what `library` says and no more.
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
        // No call is in flight: each would hold a reference. The thread frees what it owns and ends by itself.
        mailbox.close()
    }

    /// Sends `request` and returns the whole answer.
    ///
    /// - Throws: `TransportError` when no whole answer was received, `CancellationError` when the task was cancelled.
    public nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
        try Task.checkCancellation()
        if !request.allowsPlaintextProxy, let proxy = plaintextProxy(for: request.origin) {
            throw TransportError(
                code: .invalidRequest, phase: .queued,
                message: "the request would go through the proxy \(proxy) in plaintext, which is not allowed")
        }
        let deadline = request.limit ?? .now + configuration.requestTimeout
        let call = CurlCall(id: .next(), request: request, deadline: deadline)
        await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { continuation in
                unsafe call.await(by: WaitingCaller(continuation))
                guard mailbox.post(call) else { return call.refuse(with: .transportClosed(phase: .queued)) }
                // The handler below may have run before the call was posted; its message was then about a call that
                // nobody knew. Looking again after posting closes that gap.
                if Task.isCancelled { mailbox.cancel(call.id) }
            }
        } onCancel: {
            mailbox.cancel(call.id)
        }
        return try call.takeOutcome()
    }

    /// Ends the transport: calls in flight and waiting fail with `TransportError.Code.transportClosed`, connections are
    /// closed, and the I/O thread has ended when this returns. Later calls fail the same way. Calling it again is safe,
    /// and returns no sooner.
    ///
    /// The calls fail at once. With libcurl before 7.87, the rest takes as long as the name look-ups that go on.
    public func shutdown() async {
        mailbox.close()
        await mailbox.waitUntilClosed()
        thread.join()
    }

    /// What the transport has done since it was made, and what it is doing.
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
    /// Counters of one transport, taken at one moment.
    public struct Statistics: Sendable, Hashable {
        /// Calls waiting for a free stream or connection.
        public var queued = 0
        /// Calls that libcurl is working on.
        public var inFlight = 0
        /// Calls that got an answer, whatever its status.
        public var answered = 0
        /// Calls that failed, time-outs included.
        public var failed = 0
        /// Calls that were cancelled.
        public var cancelled = 0
        /// Connections opened.
        public var connectionsOpened = 0
        /// How often connections were given up: because a call timed out on them without a byte from the server, or
        /// because an HTTP/2 connection failed as a whole.
        public var connectionsQuarantined = 0
    }
}

/// Makes a transport, hands it to `body`, and shuts it down when that returns or throws.
///
/// - Returns: What `body` returns.
/// - Throws: `ConfigurationError` when the transport cannot be made, or what `body` throws.
public nonisolated(nonsending) func withCurlTransport<Result>(
    configuration: CurlTransport.Configuration = .init(),
    _ body: (CurlTransport) async throws -> Result
) async throws -> Result {
    let transport = try CurlTransport(configuration: configuration)
    do {
        let result = try await body(transport)
        await transport.shutdown()
        return result
    } catch {
        await transport.shutdown()
        throw error
    }
}
