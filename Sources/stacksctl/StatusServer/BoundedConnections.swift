import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// A channel with a bound on the number of connections, and on the time that each may take.
///
/// When there are too many, the oldest one is closed: a probe gets through, however many connections somebody opens and
/// leaves.
struct BoundedConnections<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let connections: OpenConnections

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        connections.add(channel)
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ExchangeDeadline())
        }.flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

/// The connections that are open, the oldest first.
final class OpenConnections: Sendable {
    private struct State {
        var open: [any Channel] = []
        var isOver = false
    }

    private let most: Int
    private let state = Mutex(State())

    init(most: Int) { self.most = most }

    func add(_ channel: any Channel) {
        let surplus = state.withLock { state -> (any Channel)? in
            if state.isOver { return channel }
            state.open.append(channel)
            return state.open.count > most ? state.open.removeFirst() : nil
        }
        surplus?.close(promise: nil)
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.state.withLock { $0.open.removeAll { $0 === channel } }
        }
    }

    /// Closes all of them, whatever their clients do, and those that are yet to come.
    func closeAll() {
        let open = state.withLock { state in
            state.isOver = true
            return state.open
        }
        for channel in open { channel.close(promise: nil) }
    }
}

/// Closes a connection whose client is too slow: from the first byte of a request to the last one of its response, and
/// between them.
private final class ExchangeDeadline: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private static let exchange = TimeAmount.seconds(30)
    /// Longer than the usual intervals of scrapes and probes.
    private static let idle = TimeAmount.seconds(150)

    private var deadline: Scheduled<Void>?
    private var isInExchange = false
    private var unwritten = 0

    func handlerAdded(context: ChannelHandlerContext) { restart(Self.exchange, context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isInExchange {
            isInExchange = true
            restart(Self.exchange, context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        unwritten += 1
        let written = promise ?? context.eventLoop.makePromise()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in
            let (handler, context) = bound.value
            handler.unwritten -= 1
            guard handler.unwritten == 0, context.channel.isActive else { return }
            handler.isInExchange = false
            handler.restart(Self.idle, context)
        }
        context.write(data, promise: written)
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    private func restart(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}
