import NIOCore
import NIOPosix
import NIOSSL

/// A server that runs a script for every connection, which reads and writes bytes of a real socket.
///
/// It owns its listener and its connections, which end with ``run(_:port:unixSocketPath:script:_:)``.
public final class ScriptedServer: Sendable {
    /// The layer between TCP and the script.
    public enum Security: Sendable {
        case plaintext
        /// TLS, with the protocols to offer in ALPN.
        case tls(ServedCertificate, protocols: [String])
    }

    /// The port that it listens on; 0 with a Unix domain socket.
    public let port: Int
    private let isSecure: Bool
    private let log: RequestLog
    private let listener: any Channel

    private init(listener: any Channel, isSecure: Bool, log: RequestLog) {
        self.listener = listener
        self.isSecure = isSecure
        self.log = log
        port = listener.localAddress?.port ?? 0
    }

    /// Scheme, host and port.
    public var origin: String { "\(isSecure ? "https" : "http")://127.0.0.1:\(port)" }
    /// The received requests, including incomplete ones.
    public var requests: [ReceivedRequest] { log.requests }
    /// The number of accepted connections.
    public var connections: Int { log.connections }
    /// The number of open connections.
    public var openConnections: Int { log.openConnections }

    /// Stops accepting connections; open connections continue.
    public func closeListener() async { try? await listener.close().get() }

    /// Listens on 127.0.0.1 or on a Unix domain socket, runs `body`, and stops.
    ///
    /// - Parameters:
    ///   - port: 0 selects any free port.
    ///   - script: Handles one connection, which closes when it returns or throws. It is cancelled at the end.
    public static func run<Result>(
        _ security: Security = .plaintext,
        port: Int = 0,
        unixSocketPath: String? = nil,
        script: @escaping @Sendable (ScriptedConnection) async throws -> Void,
        _ body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let log = RequestLog()
        let (connections, accepted) = AsyncStream<ScriptedConnection>.makeStream()
        var context: NIOSSLContext?
        if case .tls(let certificate, let protocols) = security {
            context = try certificate.context(protocols: protocols)
        }
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [context] channel in
                channel.eventLoop.makeCompletedFuture {
                    accepted.yield(try Self.connection(on: channel, context: context, log: log))
                }
            }
        let listener: any Channel
        if let unixSocketPath {
            listener = try await bootstrap.bind(unixDomainSocketPath: unixSocketPath, cleanupExistingSocketFile: true)
                .get()
        } else {
            listener = try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: "127.0.0.1", port: port).get()
        }
        let server = ScriptedServer(listener: listener, isSecure: context != nil, log: log)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { scripts in
                    for await connection in connections {
                        scripts.addTask {
                            // A script ends when the client closes the connection.
                            try? await script(connection)
                            // At the end of a test, no client reads a TLS alert.
                            if Task.isCancelled { await connection.closeBelowTLS() } else { await connection.close() }
                        }
                    }
                }
            }
            do {
                let result = try await body(server)
                await server.end(accepted, &group)
                return result
            } catch {
                await server.end(accepted, &group)
                throw error
            }
        }
    }

    private func end(
        _ accepted: AsyncStream<ScriptedConnection>.Continuation, _ group: inout ThrowingTaskGroup<Void, any Error>
    ) async {
        await closeListener()
        accepted.finish()
        group.cancelAll()
    }

    private static func connection(
        on channel: any Channel, context: NIOSSLContext?, log: RequestLog
    ) throws -> ScriptedConnection {
        let (inbox, abruptEnd) = (ByteInbox(), AbruptEnd())
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(abruptEnd)
        if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
        try pipeline.addHandler(InboxHandler(inbox))
        channel.closeFuture.whenComplete { _ in log.noteClosedConnection() }
        return ScriptedConnection(
            number: log.noteConnection(), channel: channel, inbox: inbox, log: log,
            abruptEnd: NIOLoopBound(abruptEnd, eventLoop: channel.eventLoop))
    }
}

extension ScriptedConnection {
    /// Connects to a port of 127.0.0.1 and copies bytes in both directions until either side ends, like a tunnel of a proxy.
    public func tunnel(toPort port: Int) async throws {
        let log = log
        let upstream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (inbox, abruptEnd) = (ByteInbox(), AbruptEnd())
                    try channel.pipeline.syncOperations.addHandlers([abruptEnd, InboxHandler(inbox)])
                    return ScriptedConnection(
                        number: -1, channel: channel, inbox: inbox, log: log,
                        abruptEnd: NIOLoopBound(abruptEnd, eventLoop: channel.eventLoop))
                }
            }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.relay(to: upstream) }
            group.addTask { try await upstream.relay(to: self) }
            do { try await group.waitForAll() } catch {
                await upstream.close()
                throw error
            }
        }
    }
}
