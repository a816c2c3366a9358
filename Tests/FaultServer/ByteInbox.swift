import NIOCore
import Synchronization

/// Owns the unread bytes of a connection. One reader at a time.
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

    /// Waits until `parse` succeeds on the received bytes, and removes as many bytes as it returns.
    ///
    /// - Returns: The result, or `nil` when the connection ended before.
    /// - Throws: `CancellationError` when the task is cancelled.
    func read<Value>(_ parse: ([UInt8]) throws -> (Value, count: Int)?) async throws -> Value? {
        while true {
            try Task.checkCancellation()
            // Counted together with parsing, so that later bytes cause another attempt.
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
                // Checked under the lock, so that neither bytes nor a cancellation just before are missed.
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
