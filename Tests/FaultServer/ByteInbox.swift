import NIOCore
import Synchronization

/// Owns what has arrived on a connection and was not read yet. One reader at a time.
final class ByteInbox: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var hasEnded = false
        var reader: CheckedContinuation<Void, Never>?

        mutating func takeReader() -> CheckedContinuation<Void, Never>? {
            defer { reader = nil }
            return reader
        }
    }

    private let state = Mutex(State())

    func append(_ bytes: some Sequence<UInt8>) {
        let reader = state.withLock { state in
            state.bytes.append(contentsOf: bytes)
            return state.takeReader()
        }
        reader?.resume()
    }

    /// Nothing more will arrive.
    func end() {
        let reader = state.withLock { state in
            state.hasEnded = true
            return state.takeReader()
        }
        reader?.resume()
    }

    /// Waits until `parse` finds what it looks for at the beginning of what has arrived, and takes as many bytes away
    /// as it says.
    ///
    /// - Returns: What was found, or `nil` when the connection ended before.
    /// - Throws: `CancellationError` when the task is cancelled.
    func read<Value>(_ parse: ([UInt8]) throws -> (Value, count: Int)?) async throws -> Value? {
        while true {
            try Task.checkCancellation()
            // What was looked at is counted with the look itself: bytes that come after it are news.
            let step: (value: Value?, hasEnded: Bool, seen: Int) = try state.withLock { state in
                if let (value, count) = try parse(state.bytes) {
                    state.bytes.removeFirst(count)
                    return (value, false, 0)
                }
                return (nil, state.hasEnded, state.bytes.count)
            }
            if let value = step.value { return value }
            if step.hasEnded { return nil }
            await waitForMore(than: step.seen)
        }
    }

    private func waitForMore(than count: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Looked at under the lock, so that neither bytes nor a cancellation that came just before is missed.
                let isOver = state.withLock { state in
                    if state.hasEnded || state.bytes.count > count || Task.isCancelled { return true }
                    state.reader = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.takeReader() }?.resume()
        }
    }
}

/// Fills an inbox from a channel.
final class InboxHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let inbox: ByteInbox

    init(_ inbox: ByteInbox) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inbox.append(unwrapInboundIn(data).readableBytesView)
    }

    func channelInactive(context: ChannelHandlerContext) {
        inbox.end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        inbox.end()
        context.close(promise: nil)
    }
}
