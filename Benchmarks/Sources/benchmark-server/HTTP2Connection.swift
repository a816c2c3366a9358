import NIOCore
import NIOHPACK
import Workload

/// The server's end of one HTTP/2 connection: it reads each request whole, answers it from memory, and does no more of
/// the protocol than clients rely on, because its cost is not what is measured.
///
/// Everything that one read brings is answered by one write.
final class HTTP2Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A request that is not answered in full yet.
    private struct Stream {
        var request: ReceivedRequest
        /// How many more bytes the client takes on this stream.
        var window: Int
        /// What is left of the answer's body, once there is one.
        var rest: ByteBuffer?
    }

    private let responses: any ResponseSource
    private let counts: ServerCounts
    private var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
    private var input = ByteBuffer()
    private var output = ByteBuffer()
    private var sawPreface = false
    private var streams: [UInt32: Stream] = [:]
    /// Streams whose answer waits for a window, in the order in which they began to wait.
    private var blocked: [UInt32] = []
    private var headerBlock: (stream: UInt32, flags: UInt8, bytes: ByteBuffer)?
    private var connectionWindow = 65_535
    private var initialWindow = 65_535
    private var received = 0

    init(responses: any ResponseSource, counts: ServerCounts) {
        self.responses = responses
        self.counts = counts
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // As many streams as anybody wants, and windows that no request fills.
        output.writeFrame(.settings, length: 12)
        output.writeInteger(UInt16(3))
        output.writeInteger(UInt32(10_000))
        output.writeInteger(UInt16(4))
        output.writeInteger(UInt32(1 << 20))
        openWindow(by: 1 << 30)
        flush(context: context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        counts.count(received: bytes.readableBytes)
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        if !sawPreface {
            guard input.readableBytes >= Frame.prefaceSize else { return }
            input.moveReaderIndex(forwardBy: Frame.prefaceSize)
            sawPreface = true
        }
        while let (header, payload) = input.readFrame() {
            do {
                try handle(header, payload)
            } catch {
                return context.close(promise: nil)
            }
        }
        if input.readableBytes == 0 { input = ByteBuffer() }
    }

    func channelReadComplete(context: ChannelHandlerContext) { flush(context: context) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func flush(context: ChannelHandlerContext) {
        guard output.readableBytes > 0 else { return }
        counts.count(sent: output.readableBytes)
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        output = ByteBuffer()
    }

    private func handle(_ header: Frame.Header, _ payload: ByteBuffer) throws {
        var payload = payload
        switch header.kind {
        case .headers:
            try unpad(header, &payload)
            if header.flags & Frame.Flag.priority != 0 { payload.moveReaderIndex(forwardBy: 5) }
            try collect(header.stream, flags: header.flags, payload)
        case .continuation:
            guard var block = headerBlock, block.stream == header.stream else { throw ProtocolError() }
            block.bytes.writeBuffer(&payload)
            try collect(header.stream, flags: block.flags | header.flags, block.bytes)
        case .data:
            openWindow(after: header.length)
            try unpad(header, &payload)
            streams[header.stream]?.request.bodySize += payload.readableBytes
            if responses.readsBodies { streams[header.stream]?.request.body.writeBuffer(&payload) }
            if header.flags & Frame.Flag.endStream != 0 { answer(header.stream) }
        case .settings:
            if header.flags & Frame.Flag.acknowledgement == 0 { apply(settings: &payload) }
        case .ping:
            guard header.flags & Frame.Flag.acknowledgement == 0 else { return }
            output.writeFrame(.ping, flags: Frame.Flag.acknowledgement, length: payload.readableBytes)
            output.writeBuffer(&payload)
        case .windowUpdate:
            widen(header.stream, by: Int(payload.readInteger(as: UInt32.self) ?? 0))
        case .reset:
            streams[header.stream] = nil
        case .priority, .goAway, .pushPromise, nil:
            break
        }
    }

    struct ProtocolError: Error {}
}

// MARK: - Requests

extension HTTP2Connection {
    private func unpad(_ header: Frame.Header, _ payload: inout ByteBuffer) throws {
        guard header.flags & Frame.Flag.padded != 0 else { return }
        guard let padding = payload.readInteger(as: UInt8.self),
            let rest = payload.readSlice(length: payload.readableBytes - Int(padding))
        else { throw ProtocolError() }
        payload = rest
    }

    private func collect(_ stream: UInt32, flags: UInt8, _ block: ByteBuffer) throws {
        guard flags & Frame.Flag.endHeaders != 0 else {
            headerBlock = (stream, flags, block)
            return
        }
        headerBlock = nil
        var block = block
        let fields = try decoder.decodeHeaders(from: &block)
        let request = ReceivedRequest(path: fields.first(name: ":path") ?? "", fields: fields)
        streams[stream] = Stream(request: request, window: initialWindow)
        if flags & Frame.Flag.endStream != 0 { answer(stream) }
    }

    private func apply(settings: inout ByteBuffer) {
        while let (name, value) = settings.readMultipleIntegers(as: (UInt16, UInt32).self) {
            guard name == 4 else { continue }
            for stream in streams.keys { streams[stream]?.window += Int(value) - initialWindow }
            initialWindow = Int(value)
        }
        output.writeFrame(.settings, flags: Frame.Flag.acknowledgement, length: 0)
        sendBlocked()
    }

    /// Lets the client send as much as it has sent, half a gigabyte at a time.
    private func openWindow(after length: Int) {
        received += length
        guard received > 1 << 29 else { return }
        openWindow(by: UInt32(received))
        received = 0
    }

    private func openWindow(by increment: UInt32) {
        output.writeFrame(.windowUpdate, length: 4)
        output.writeInteger(increment)
    }
}

// MARK: - Answers

extension HTTP2Connection {
    private func answer(_ id: UInt32) {
        guard var stream = streams[id] else { return }
        // Until the client resets the stream.
        let path = stream.request.path
        if path.contains("/stacks/\(WireRequest.silentStack)/") { return counts.countRequest() }
        let answer =
            path == "/_counts"
            ? PreparedAnswer(body: Array(counts.json.utf8)) : responses.response(to: stream.request)
        if path != "/_counts" { counts.countRequest() }
        let isWhole = answer.body.readableBytes == 0
        output.writeFrame(
            .headers, flags: Frame.Flag.endHeaders | (isWhole ? Frame.Flag.endStream : 0), stream: id,
            length: answer.headerBlock.count)
        output.writeBytes(answer.headerBlock)
        guard !isWhole else { return streams[id] = nil }
        stream.rest = answer.body
        streams[id] = send(stream, id)
        if streams[id] != nil { blocked.append(id) }
    }

    /// Sends as much as the windows allow. Returns what is left, or `nil` when the answer is whole.
    private func send(_ stream: Stream, _ id: UInt32) -> Stream? {
        var stream = stream
        guard var rest = stream.rest else { return stream }
        while true {
            let size = min(rest.readableBytes, Frame.maximumPayload, connectionWindow, stream.window)
            guard size > 0, var part = rest.readSlice(length: size) else { break }
            let isLast = rest.readableBytes == 0
            output.writeFrame(.data, flags: isLast ? Frame.Flag.endStream : 0, stream: id, length: size)
            output.writeBuffer(&part)
            connectionWindow -= size
            stream.window -= size
            if isLast { return nil }
        }
        stream.rest = rest
        return stream
    }

    private func widen(_ id: UInt32, by increment: Int) {
        if id == 0 { connectionWindow += increment } else { streams[id]?.window += increment }
        sendBlocked()
    }

    private func sendBlocked() {
        guard !blocked.isEmpty else { return }
        blocked = blocked.filter { id in
            guard let stream = streams[id] else { return false }
            streams[id] = send(stream, id)
            return streams[id] != nil
        }
    }
}
