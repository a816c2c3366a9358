import HTTPTypes
import HostGuard
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import StacksController
import StacksTransport
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Serves what a run tells of itself over HTTP, for as long as its task runs.
///
/// It reads what others have written down, on one thread of its own, and changes nothing. When it ends for whatever reason,
/// it starts again, and what runs goes on.
final class StatusServer: Sendable {
    /// The most connections at a time.
    private static let mostConnections = 64
    /// How many descriptors it uses at most: connections, what it listens with, and its thread's.
    static let descriptors = UInt(mostConnections) + 16
    /// How long it waits before it starts again.
    private static let pause = Duration.seconds(5)

    private let address: ListenAddress
    private let names: [String]
    private let subject: StatusSubject
    private let logger: Logger
    private let starts: AsyncStream<Result<Int, Failure>>
    private let start: AsyncStream<Result<Int, Failure>>.Continuation

    /// - Parameter names: Hosts to accept, besides those that the address says.
    init(address: ListenAddress, names: [String], subject: StatusSubject, logger: Logger) {
        self.address = address
        self.names = names
        self.subject = subject
        self.logger = logger
        (starts, start) = AsyncStream.makeStream()
    }

    /// Waits until it listens, and returns the port.
    ///
    /// - Throws: ``Failure`` when it cannot.
    @discardableResult
    func listening() async throws -> Int {
        for await start in starts { return try start.get() }
        throw CancellationError()
    }

    /// Serves until the task is cancelled, or it turns out that it cannot listen.
    func run() async {
        // One thread is enough, and leaves the others to the controllers.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let hasListened = Listening()
        async let _: Void = countMinutes()
        while !Task.isCancelled {
            do {
                try await serve(on: group, hasListened)
                guard !Task.isCancelled else { break }
                logger.error("The status server has ended: starting it again. What runs is not concerned")
            } catch {
                guard hasListened.port != nil else {
                    start.yield(.failure(Self.failure(error, address)))
                    break
                }
                let what = VisibleText.escaped("\(error)", limit: VisibleText.lineLimit)
                logger.error("The status server has ended (\(what)): starting it again. What runs is not concerned")
            }
            try? await Task.sleep(for: Self.pause)
        }
        start.finish()
        try? await group.shutdownGracefully()
    }

    private func serve(on group: MultiThreadedEventLoopGroup, _ listening: Listening) async throws {
        let responder = StatusResponder(
            subject: subject, documents: StatusDocuments(subject, on: group.any()), requestGuard: requestGuard)
        var channel = HTTP1Channel.Configuration()
        channel.httpDecoder = .init(
            maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100)
        var quiet = logger
        quiet.logLevel = .critical
        let connections = OpenConnections(most: Self.mostConnections)
        let server = try HTTPServerBuilder { [channel] in
            BoundedConnections(
                base: HTTP1Channel(responder: $0, configuration: channel), connections: connections)
        }.buildServer(
            configuration: ServerConfiguration(
                address: .hostname(address.host, port: listening.port ?? address.port), backlog: 64),
            eventLoopGroup: group,
            logger: quiet,
            responder: { request, writer, _ in
                let response = await responder.respond(to: request.head)
                try await writer.write(response: response.head, body: response.body)
            },
            onServerRunning: { [self] channel in
                let port = channel.localAddress?.port ?? address.port
                let isFirst = listening.set(port)
                logger.notice("Status at http://\(address.urlHost):\(port)/")
                if isFirst { start.yield(.success(port)) }
            })
        try await withTaskCancellationHandler {
            try await server.run()
        } onCancel: {
            // A client that keeps its connection open must not keep the run.
            connections.closeAll()
        }
    }

    /// Whom it answers: see ``ListenAddress``.
    private var requestGuard: RequestGuard {
        let addresses: RequestGuard.Addresses =
            address.isEverywhere ? .any : address.isLoopback ? .loopback : .none
        // The name of this machine leads here only where it listens on more than loopback.
        let own = address.isLoopback ? [] : [ProcessInfo.processInfo.hostName]
        return RequestGuard(
            scheme: "http", server: "this server", addresses: addresses, names: [address.urlHost] + own + names)
    }

    /// Writes down what the stacks have done in each minute.
    private func countMinutes() async {
        while !Task.isCancelled {
            let history = subject.observation.history
            let stacks = subject.controllers
            for stack in stacks {
                history.count(stack: stack.stackKey, of: ObjectIdentifier(stack), stack.status.totals)
            }
            history.keep(Set(stacks.map(\.stackKey)), controllers: Set(stacks.map { ObjectIdentifier($0) }))
            try? await Task.sleep(for: .seconds(2))
        }
    }

    /// Why it cannot listen, and what to do.
    private static func failure(_ error: any Error, _ address: ListenAddress) -> Failure {
        let reason =
            switch (error as? IOError)?.errnoCode {
            case EADDRINUSE: "the port is in use: pass another one, or 0 for any that is free."
            case EACCES: "a port below 1024 needs more rights than this user has."
            case EADDRNOTAVAIL: "this machine has no such address."
            default:
                if error is SocketAddressError || error is SocketAddressError.UnknownHost {
                    "the host cannot be resolved."
                } else {
                    "\(VisibleText.escaped("\(error)", limit: VisibleText.lineLimit))"
                }
            }
        return .refused("cannot listen on \(VisibleText.escaped(address.description)) (--listen): \(reason)")
    }
}

/// The port on which the server has listened: it stays the same when it is started again.
private final class Listening: Sendable {
    private let known = Mutex<Int?>(nil)

    var port: Int? { known.withLock { $0 } }

    /// Returns whether it is the first time.
    func set(_ port: Int) -> Bool {
        known.withLock { known in
            defer { known = port }
            return known == nil
        }
    }
}
