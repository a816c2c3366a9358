import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL

/// An HTTP server on 127.0.0.1 that responds to every request at once and has no limits against abuse: HTTP/1.1 in plaintext,
/// or TLS with HTTP/2 and HTTP/1.1 as the client chooses (ALPN).
///
/// It owns its listener and event loops; ``stop()`` ends them.
public final class BehavedServer: Sendable {
    /// The port that it listens on.
    public let port: Int
    /// Whether it uses TLS.
    public let isSecure: Bool
    /// Counters of what it has received.
    public let counts: TrafficCounts
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup

    private init(
        channel: any Channel, group: MultiThreadedEventLoopGroup, isSecure: Bool, counts: TrafficCounts
    ) {
        self.channel = channel
        self.group = group
        self.isSecure = isSecure
        self.counts = counts
        port = channel.localAddress?.port ?? 0
    }

    /// Scheme, host and port.
    public var origin: String { "\(isSecure ? "https" : "http")://127.0.0.1:\(port)" }

    /// The certificate authority that a client must trust, in PEM format.
    public static var authority: String { ServedCertificate.valid.authority }

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - port: 0 selects any free port.
    ///   - threads: The number of event loops for the connections.
    public static func start(isSecure: Bool, port: Int = 0, threads: Int = 1) async throws -> BehavedServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let counts = TrafficCounts()
        let exchanges = Exchanges(counts: counts)
        let context = isSecure ? try ServedCertificate.valid.context(protocols: NIOHTTP2SupportedALPNProtocols) : nil
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                counts.countConnection()
                channel.closeFuture.whenComplete { _ in counts.countClosedConnection() }
                guard let context else { return exchanges.configureHTTP1(channel) }
                do {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                } catch {
                    return channel.eventLoop.makeFailedFuture(error)
                }
                return channel.configureHTTP2SecureUpgrade(
                    h2ChannelConfigurator: { exchanges.configureHTTP2($0) },
                    http1ChannelConfigurator: { exchanges.configureHTTP1($0) })
            }
        do {
            let channel = try await bootstrap.bind(host: "127.0.0.1", port: port).get()
            return BehavedServer(channel: channel, group: group, isSecure: isSecure, counts: counts)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }

    /// Closes the listener and every connection.
    public func stop() async throws {
        // A request may have closed it.
        try? await channel.close()
        try await group.shutdownGracefully()
    }
}

/// The listener of a connection.
enum Listener {
    /// The root channel: a stream's parent is its connection, whose parent is the listener.
    static func of(_ channel: any Channel) -> (any Channel)? {
        guard let parent = channel.parent else { return nil }
        return of(parent) ?? parent
    }
}

/// Adds the handlers to new connections.
private struct Exchanges: Sendable {
    let documents = StacksDocuments()
    let counts: TrafficCounts

    func configureHTTP1(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
            try channel.pipeline.syncOperations.addHandler(HTTP1Exchanges(documents: documents, counts: counts))
        }
    }

    func configureHTTP2(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: .tolerant, streamConfiguration: .tolerant
        ) { [documents, counts] stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(HTTP2Exchange(documents: documents, counts: counts))
            }
        }.map { _ in }
    }
}

extension NIOHTTP2Handler.ConnectionConfiguration {
    /// Limits against abuse are off, because the tests cancel thousands of calls.
    fileprivate static var tolerant: Self {
        var configuration = Self()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 1000),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 1 << 20),
            HTTP2Setting(parameter: .initialWindowSize, value: 1 << 20),
        ]
        // Large, so that uploads rarely wait for window updates.
        configuration.targetWindowSize = 16 << 20
        configuration.maximumRecentlyResetStreams = 100_000
        configuration.maximumBufferedControlFrames = .max
        configuration.maximumConnectionGlitches = .max
        configuration.maximumSequentialEmptyDataFrames = .max
        configuration.controlFrameRateLimit.maximumCount = .max
        return configuration
    }
}

extension NIOHTTP2Handler.StreamConfiguration {
    fileprivate static var tolerant: Self {
        var configuration = Self()
        configuration.targetWindowSize = 1 << 20
        // So that a response of a megabyte is sent in few pieces.
        configuration.outboundBufferSizeHighWatermark = 4 << 20
        configuration.outboundBufferSizeLowWatermark = 1 << 20
        configuration.streamResetFrameRateLimit.maximumCount = .max
        configuration.streamErrorRateLimit.maximumCount = .max
        return configuration
    }
}
