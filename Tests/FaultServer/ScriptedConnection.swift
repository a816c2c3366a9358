import NIOCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A connection of a ``ScriptedServer``: bytes over TCP or TLS, without HTTP.
public final class ScriptedConnection: Sendable {
    /// Counted from 0 in the order of arrival.
    public let number: Int
    let channel: any Channel
    let inbox: ByteInbox
    let log: RequestLog
    /// The handler below TLS.
    private let abruptEnd: NIOLoopBound<AbruptEnd>

    init(number: Int, channel: any Channel, inbox: ByteInbox, log: RequestLog, abruptEnd: NIOLoopBound<AbruptEnd>) {
        self.number = number
        self.channel = channel
        self.inbox = inbox
        self.log = log
        self.abruptEnd = abruptEnd
    }

    /// Writes bytes, and returns when the system has accepted them.
    public func write(_ bytes: some Sequence<UInt8> & Sendable) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// Writes text in UTF-8.
    public func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    /// Closes the connection gracefully.
    public func close() async { try? await channel.close().get() }

    /// Resets the connection: TCP RST without a TLS alert.
    public func reset() async {
        try? await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        await closeBelowTLS()
    }

    /// Sends TCP FIN without a TLS alert, like a process that crashed.
    public func closeBelowTLS() async {
        try? await channel.eventLoop.submit { [abruptEnd] in abruptEnd.value.close() }.get()
        try? await channel.closeFuture.get()
    }

    /// Discards input until the client closes the connection or the script is cancelled.
    public func waitForEnd() async throws {
        while try await inbox.read({ $0.isEmpty ? nil : ((), $0.count) }) != nil {}
    }

    /// Reads up to and including `text`.
    ///
    /// - Returns: Everything up to `text`, or `nil` when the connection ended before.
    public func read(upTo text: String) async throws -> String? {
        let end = Array(text.utf8)
        return try await inbox.read { bytes in
            guard let index = bytes.firstRange(of: end)?.lowerBound else { return nil }
            return (String(decoding: bytes[..<index], as: UTF8.self), index + end.count)
        }
    }

    /// Reads a number of bytes.
    public func read(count: Int) async throws -> [UInt8]? {
        try await inbox.read { $0.count >= count ? (Array($0[..<count]), count) : nil }
    }

    /// Copies all bytes from this connection to another until this one ends, and then closes the other.
    func relay(to other: ScriptedConnection) async throws {
        while let bytes = try await inbox.read({ $0.isEmpty ? nil : ($0, $0.count) }) { try await other.write(bytes) }
        await other.close()
    }
}

/// The first handler of a channel; a close from here bypasses TLS.
final class AbruptEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
    func close() { context?.close(promise: nil) }
}

extension [UInt8] {
    /// The first index of `pattern`.
    fileprivate func firstRange(of pattern: [UInt8]) -> Range<Int>? {
        guard count >= pattern.count else { return nil }
        return (0...(count - pattern.count)).first { self[$0..<($0 + pattern.count)].elementsEqual(pattern) }
            .map { $0..<($0 + pattern.count) }
    }
}
