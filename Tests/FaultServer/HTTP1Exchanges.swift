import NIOCore
import NIOHTTP1

/// Responds to the requests of an HTTP/1.1 connection, one after another.
final class HTTP1Exchanges: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let documents: StacksDocuments
    private let counts: TrafficCounts
    private var method = ""
    private var path = ""
    private var conformanceField: String?
    private var keepsAlive = true
    private var body = ByteBuffer()

    init(documents: StacksDocuments, counts: TrafficCounts) {
        self.documents = documents
        self.counts = counts
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            method = head.method.rawValue
            path = head.uri
            conformanceField = head.headers.first(name: "x-conformance")
            keepsAlive = head.isKeepAlive
            body = ByteBuffer()
        case .body(var part):
            body.writeBuffer(&part)
        case .end:
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
            case .reset, .hangUp: context.close(promise: nil)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func write(_ response: BehavedResponse, context: ChannelHandlerContext) {
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: response.status),
            headers: HTTPHeaders(response.headerFields))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if response.status != 204, response.body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(.byteBuffer(response.body))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if !keepsAlive { context.close(promise: nil) }
    }
}
