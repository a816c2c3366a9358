import HTTPTypes
import HostGuard
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import StacksTesting
import StacksTransport
import TestCertificate

/// The simulator behind HTTP.
struct SimulatorServer: Service {
    var simulator: StacksSimulator
    /// The clock, if scripts move it.
    var clock: ManualClock?
    /// The path of the API.
    var apiPath: String
    /// What the simulator has at its start.
    var start: StacksSimulator.Start
    var host: String
    var port: Int
    var tls: Bool
    /// Accepted hosts besides those of loopback.
    var names: [String]
    var logger: Logger
    /// Called with the port once it listens.
    var onReady: @Sendable (Int) -> Void

    func run() async throws {
        let connections = ConnectionCounts()
        let scheme = tls ? "https" : "http"
        // That it listens is what the ready line says.
        var serverLogger = logger
        serverLogger.logLevel = .notice
        let responder = SimulatorResponder(
            simulator: simulator,
            control: ControlEndpoints(
                simulator: simulator, connections: connections, clock: clock, apiPath: apiPath, start: start),
            connections: connections, scheme: scheme,
            requestGuard: RequestGuard(scheme: scheme, server: "this simulator", names: [host] + names)
        )
        let application = Application(
            responder: responder,
            server: tls ? .counting(connections, try Self.tlsConfiguration()) : .counting(connections),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), backlog: 1024),
            onServerRunning: { channel in onReady(channel.localAddress?.port ?? port) },
            logger: serverLogger
        )
        try await application.run()
    }

    private static func tlsConfiguration() throws -> TLSConfiguration {
        let certificate = try NIOSSLCertificate(bytes: Array(TestCertificate.certificate.utf8), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: Array(TestCertificate.privateKey.utf8), format: .pem)
        return .makeServerConfiguration(certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
    }
}

/// The context of a request: its channel, which a fault may close.
struct ChannelContext: InitializableFromSource {
    var channel: any Channel

    init(source: ApplicationRequestContextSource) { channel = source.channel }

    /// HTTP/2 has a channel for each stream, whose parent is the connection's, whose parent is the listener's.
    var httpVersion: String { channel.parent?.parent == nil ? "HTTP/1.1" : "HTTP/2" }
}

/// Passes requests to the simulator, and its responses back.
struct SimulatorResponder: HTTPResponder {
    typealias Context = ChannelContext

    /// More than the largest request that the API allows.
    private static let largestBody = 8 << 20
    private static let largestControlBody = 2 << 20

    var simulator: StacksSimulator
    var control: ControlEndpoints
    var connections: ConnectionCounts
    /// `http` or `https`.
    var scheme: String
    var requestGuard: RequestGuard

    func respond(to request: Request, context: ChannelContext) async throws -> Response {
        var response = try await fullResponse(to: request, context: context)
        // What follows the head of a response without a body would be taken for the next response.
        guard response.status.allowsBody else {
            // RFC 9110, section 8.6: a 204 has no Content-Length, and a 304 none of an empty body.
            response.body = .init()
            response.headers[.contentLength] = response.status == .resetContent ? "0" : nil
            return response
        }
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func fullResponse(to request: Request, context: ChannelContext) async throws -> Response {
        let body: ByteBuffer
        do throws(RequestGuard.Refusal) { try requestGuard.check(request.head) } catch { return control.refuse(error) }
        let target = request.head.path ?? "/"
        let isControl = ControlEndpoints.serves(target)
        let limit = isControl ? Self.largestControlBody : Self.largestBody
        do { body = try await request.body.collect(upTo: limit) } catch is NIOTooManyBytesError {
            return control.respond(to: .tooLarge(limit: limit))
        }
        if isControl {
            do throws(RequestGuard.Refusal) {
                try requestGuard.checkContent(of: request.head, isEmpty: body.readableBytes == 0)
            } catch {
                return control.refuse(error)
            }
            return control.respond(method: request.method, target: target, body: Array(buffer: body))
        }
        connections.countRequest(httpVersion: context.httpVersion)
        let outcome = simulator.outcome(
            of: TransportRequest(
                // What an agent is told to upload to is on this server.
                method: request.method, origin: "\(scheme)://\(request.head.authority ?? "localhost")",
                path: target, headerFields: request.headers,
                body: body.readableBytes == 0 ? nil : Array(buffer: body)
            )
        )
        if outcome.delay > .zero { try await Task.sleep(for: outcome.delay) }
        switch outcome.result {
        case .success(let simulated):
            return Response(
                status: simulated.status, headers: simulated.headerFields.fields,
                body: simulated.body.isEmpty ? .init() : .init(byteBuffer: ByteBuffer(bytes: simulated.body))
            )
        case .failure:
            // To the client, a lost response is a connection, or a stream, that ends without one.
            try await context.channel.close()
            return Response(status: .internalServerError)
        }
    }
}
