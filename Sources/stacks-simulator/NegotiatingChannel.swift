import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2
import NIOSSL
import NIOTLS

/// A connection under TLS that speaks HTTP/2 or HTTP/1.1, as the client chooses (ALPN).
///
/// Hummingbird has such a channel, with the limits against misbehaving clients that suit a public server: after 200
/// cancelled streams, or frames for streams that are over, it closes the connection. A test cancels more than that, and
/// libcurl 7.88 sends a frame for a finished stream with each call, so this one has the limits out of the way.
struct NegotiatingChannel: ServerChildChannel {
    typealias Exchange = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    typealias Streams = NIOHTTP2Handler.AsyncStreamMultiplexer<Exchange>

    struct Value: ServerChildChannelValue {
        let negotiated: EventLoopFuture<NIONegotiatedHTTPVersion<Exchange, Streams>>
        let channel: any Channel
    }

    private let http1: HTTP1Channel
    private let tls: NIOSSLContext
    private let http2 = Self.http2Configuration

    init(tls configuration: TLSConfiguration, responder: @escaping HTTPChannelHandler.Responder) throws {
        var configuration = configuration
        configuration.applicationProtocols = NIOHTTP2SupportedALPNProtocols
        tls = try NIOSSLContext(configuration: configuration)
        http1 = HTTP1Channel(responder: responder)
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let negotiation = NIOTypedApplicationProtocolNegotiationHandler {
                [http1, http2] result -> EventLoopFuture<NIONegotiatedHTTPVersion<Exchange, Streams>> in
                switch result {
                case .negotiated("h2"):
                    channel.eventLoop.makeCompletedFuture { try Self.streams(of: channel, http2) }.map { .http2($0) }
                case .negotiated, .fallback:
                    http1.setup(channel: channel, logger: logger).map { .http1_1($0) }
                }
            }
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
            try channel.pipeline.syncOperations.addHandler(negotiation)
            return Value(negotiated: negotiation.protocolNegotiationResult, channel: channel)
        }
    }

    func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.negotiated.get() {
            case .http1_1(let exchange): await http1.handle(value: exchange, logger: logger)
            case .http2(let streams):
                try await withThrowingDiscardingTaskGroup { group in
                    for try await stream in streams.inbound {
                        group.addTask { await http1.handle(value: stream, logger: logger) }
                    }
                }
            }
        } catch {
            // A client that does not trust the certificate, or is gone.
            logger.debug("connection ended", metadata: ["error": "\(error)"])
        }
    }

    private static func streams(of channel: any Channel, _ configuration: NIOHTTP2Handler.Configuration) throws
        -> Streams
    {
        try channel.pipeline.syncOperations.configureAsyncHTTP2Pipeline(
            mode: .server,
            connectionManagerConfiguration: .init(
                maxIdleTime: nil, maxAge: nil, maxGraceTime: .milliseconds(200), keepalive: nil
            ),
            http2HandlerConfiguration: configuration
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTPServerCodec())
                return try Exchange(wrappingChannelSynchronously: stream)
            }
        }
    }

    private static var http2Configuration: NIOHTTP2Handler.Configuration {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        // What Buildkite's load balancer allows (an AWS application load balancer: 128).
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 128),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 65_536),
        ]
        connection.targetWindowSize = 1 << 20
        connection.maximumConnectionGlitches = Int.max
        connection.controlFrameRateLimit.maximumCount = Int.max
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = 1 << 20
        stream.streamResetFrameRateLimit.maximumCount = Int.max
        stream.streamErrorRateLimit.maximumCount = Int.max
        return NIOHTTP2Handler.Configuration(connection: connection, stream: stream)
    }
}
