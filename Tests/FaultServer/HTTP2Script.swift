import NIOCore
import NIOHPACK
import Synchronization

/// HTTP/2 on a scripted connection, frame by frame (RFC 9113), without a state machine, so that a script can break the
/// rules.
public final class HTTP2Script: ScriptedExchanges {
    /// The server's SETTINGS and behavior.
    public struct Settings: Sendable {
        public var maximumConcurrentStreams: UInt32?
        public var initialWindowSize: UInt32?
        /// Whether the client's SETTINGS are acknowledged.
        public var acknowledges = true
        /// Whether the windows are updated as the client's data arrive.
        public var opensWindows = true

        public init() {}
    }

    /// A frame.
    public struct Frame: Sendable {
        public var type: UInt8
        public var flags: UInt8 = 0
        public var stream: UInt32 = 0
        public var payload: [UInt8] = []
    }

    private struct State {
        var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
        var block: [UInt8] = []
        var unfinished: [UInt32: ReceivedRequest] = [:]
        var resets: [UInt32: UInt32] = [:]
    }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    public let connection: ScriptedConnection
    private let settings: Settings
    private let state = Mutex(State())

    private init(connection: ScriptedConnection, settings: Settings) {
        self.connection = connection
        self.settings = settings
    }

    /// The streams that the client has reset, with their error codes, recorded by ``next()``.
    public var resets: [UInt32: UInt32] { state.withLock { $0.resets } }

    /// Reads the client's preface and sends the server's SETTINGS.
    static func start(on connection: ScriptedConnection, settings: Settings) async throws -> HTTP2Script? {
        guard try await connection.read(count: preface.count) != nil else { return nil }
        let script = HTTP2Script(connection: connection, settings: settings)
        try await script.send(settings: settings)
        return script
    }

    /// Sends SETTINGS with the values in `settings`.
    public func send(settings: Settings) async throws {
        var payload: [UInt8] = []
        if let value = settings.maximumConcurrentStreams { payload += [0, 3] + value.bytes }
        if let value = settings.initialWindowSize { payload += [0, 4] + value.bytes }
        try await send(Frame(type: 4, payload: payload))
    }

    /// Sends a frame.
    public func send(_ frame: Frame) async throws {
        var bytes = Array(UInt32(frame.payload.count).bytes[1...])
        bytes += [frame.type, frame.flags]
        bytes += frame.stream.bytes
        try await connection.write(bytes + frame.payload)
    }

    /// Sends RST_STREAM.
    public func reset(stream: UInt32, code: UInt32) async throws {
        try await send(Frame(type: 3, stream: stream, payload: code.bytes))
    }

    /// Sends GOAWAY: streams above `last` were not processed.
    public func goAway(last: UInt32, code: UInt32 = 0) async throws {
        try await send(Frame(type: 7, payload: last.bytes + code.bytes))
    }

    /// The next request whose stream the client has ended. It handles other frames meanwhile.
    public func nextRequest() async throws -> Exchange? {
        while let frame = try await nextFrame() {
            if let exchange = try await handle(frame) { return exchange }
        }
        return nil
    }

    public func next() async throws -> (any ScriptedExchange)? { try await nextRequest() }

    private func nextFrame() async throws -> Frame? {
        try await connection.inbox.read { bytes in
            guard bytes.count >= 9 else { return nil }
            let length = Int(UInt32(bytes: [0] + bytes[..<3]))
            guard bytes.count >= 9 + length else { return nil }
            let frame = Frame(
                type: bytes[3], flags: bytes[4], stream: UInt32(bytes: bytes[5..<9]) & 0x7fff_ffff,
                payload: Array(bytes[9..<(9 + length)]))
            return (frame, 9 + length)
        }
    }

    private func handle(_ frame: Frame) async throws -> Exchange? {
        switch frame.type {
        case 0:
            if settings.opensWindows, !frame.payload.isEmpty {
                let increment = UInt32(frame.payload.count).bytes
                try await send(Frame(type: 8, payload: increment))
                if frame.flags & 1 == 0 { try await send(Frame(type: 8, stream: frame.stream, payload: increment)) }
            }
            state.withLock { $0.unfinished[frame.stream]?.body += frame.payload.unpadded(frame.flags) }
        case 1, 9:
            if let request = try decode(frame) { connection.log.note(request) }
        case 3:
            state.withLock { $0.resets[frame.stream] = UInt32(bytes: frame.payload) }
        case 4 where frame.flags & 1 == 0 && settings.acknowledges:
            try await send(Frame(type: 4, flags: 1))
        case 6 where frame.flags & 1 == 0 && settings.acknowledges:
            try await send(Frame(type: 6, flags: 1, payload: frame.payload))
        default: break
        }
        // END_STREAM, on a DATA or a HEADERS frame.
        guard frame.type <= 1, frame.flags & 1 != 0 else { return nil }
        let request = state.withLock { $0.unfinished.removeValue(forKey: frame.stream) }
        return request.map { Exchange(request: $0, stream: frame.stream, script: self) }
    }

    /// Handles a HEADERS or CONTINUATION frame. libcurl, whose blocks are short, sends HEADERS with END_HEADERS.
    private func decode(_ frame: Frame) throws -> ReceivedRequest? {
        try state.withLock { state in
            var block = frame.payload
            if frame.type == 1 {
                block = block.unpadded(frame.flags)
                // The flag says whether a priority comes first.
                if frame.flags & 0x20 != 0 { block.removeFirst(5) }
            }
            state.block += block
            guard frame.flags & 4 != 0 else { return nil }
            var buffer = ByteBuffer(bytes: state.block)
            state.block = []
            let headers = try state.decoder.decodeHeaders(from: &buffer)
            let request = ReceivedRequest(
                method: headers.first(name: ":method") ?? "", path: headers.first(name: ":path") ?? "",
                fields: headers.filter { !$0.name.hasPrefix(":") }.map { ($0.name, $0.value) },
                connection: connection.number)
            state.unfinished[frame.stream] = request
            return request
        }
    }

    /// A request on a stream.
    public struct Exchange: ScriptedExchange {
        public let request: ReceivedRequest
        public let stream: UInt32
        let script: HTTP2Script

        public var connection: ScriptedConnection { script.connection }

        public func head(_ status: Int, _ fields: [(String, String)], isLast: Bool) async throws {
            var block: [UInt8] = []
            for (name, value) in [(":status", "\(status)")] + fields {
                // A literal without indexing (RFC 7541, section 6.2.2), which needs no table.
                block += [0] + Array(name.utf8).withHPACKLength + Array(value.utf8).withHPACKLength
            }
            var rest = block[...]
            var (type, end): (UInt8, UInt8) = (1, isLast ? 1 : 0)
            repeat {
                let part = Array(rest.prefix(16_384))
                rest = rest.dropFirst(part.count)
                try await script.send(
                    Frame(type: type, flags: end | (rest.isEmpty ? 4 : 0), stream: stream, payload: part))
                (type, end) = (9, 0)
            } while !rest.isEmpty
        }

        public func body(_ bytes: [UInt8], isLast: Bool) async throws {
            var rest = bytes[...]
            repeat {
                let part = Array(rest.prefix(16_384))
                rest = rest.dropFirst(part.count)
                try await script.send(
                    Frame(type: 0, flags: isLast && rest.isEmpty ? 1 : 0, stream: stream, payload: part))
            } while !rest.isEmpty
        }

        public func reset() async throws { try await script.reset(stream: stream, code: 2) }
    }
}

extension UInt32 {
    /// In network order.
    fileprivate var bytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self >> $0) } }

    fileprivate init(bytes: some Sequence<UInt8>) { self = bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}

extension [UInt8] {
    /// Without the padding that a flag announces.
    fileprivate func unpadded(_ flags: UInt8) -> [UInt8] {
        guard flags & 8 != 0, let length = first else { return self }
        return Array(dropFirst().dropLast(Int(length)))
    }

    /// Preceded by its length as an integer with a prefix of 7 bits (RFC 7541, section 5.1).
    fileprivate var withHPACKLength: [UInt8] {
        guard count >= 127 else { return [UInt8(count)] + self }
        var (length, rest): ([UInt8], Int) = ([127], count - 127)
        while rest >= 128 {
            length.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        return length + [UInt8(rest)] + self
    }
}
