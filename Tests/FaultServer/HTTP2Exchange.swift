import NIOCore
import NIOHPACK
import NIOHTTP2

/// Responds to the request of an HTTP/2 stream. It works on frames, because converting them to HTTP/1.1 parts and back costs
/// more than everything else.
final class HTTP2Exchange: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let documents: StacksDocuments
    private let counts: TrafficCounts
    private var method = ""
    private var path = ""
    private var conformanceField: String?
    private var body = ByteBuffer()

    init(documents: StacksDocuments, counts: TrafficCounts) {
        self.documents = documents
        self.counts = counts
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let headers):
            method = headers.headers.first(name: ":method") ?? method
            path = headers.headers.first(name: ":path") ?? path
            conformanceField = headers.headers.first(name: "x-conformance")
            if headers.endStream { respond(context: context) }
        case .data(let data):
            if case .byteBuffer(var part) = data.data { body.writeBuffer(&part) }
            if data.endStream { respond(context: context) }
        default: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is StreamClosedEvent, (event as? StreamClosedEvent)?.reason != nil { counts.countReset() }
        context.fireUserInboundEventTriggered(event)
    }

    /// Errors of reset streams are ignored.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func respond(context: ChannelHandlerContext) {
        let response = BehavedResponse(
            method: method, path: path, conformanceField: conformanceField, body: body, documents: documents,
            counts: counts)
        switch response.manner {
        case .atOnce: write(response, context: context)
        case .after(let delay):
            context.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.write(response, context: context) }
        case .lastConnections:
            Listener.of(context.channel)?.close(promise: nil)
            write(response, context: context)
        case .never: break
        case .reset: context.writeAndFlush(wrapOutboundOut(.rstStream(.internalError)), promise: nil)
        case .hangUp: context.channel.parent?.close(promise: nil)
        }
    }

    private func write(_ response: BehavedResponse, context: ChannelHandlerContext) {
        let headers = HPACKHeaders([(":status", "\(response.status)")] + response.headerFields)
        let hasBody = response.status != 204 && response.body.readableBytes > 0
        context.write(wrapOutboundOut(.headers(.init(headers: headers, endStream: !hasBody))), promise: nil)
        if hasBody {
            context.write(
                wrapOutboundOut(.data(.init(data: .byteBuffer(response.body), endStream: true))), promise: nil)
        }
        context.flush()
    }
}
