import NIOCore

/// The frames of HTTP/2 (RFC 9113, section 6).
enum Frame {
    enum Kind: UInt8 {
        case data = 0, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation
    }

    enum Flag {
        static let endStream: UInt8 = 0x1
        static let acknowledgement: UInt8 = 0x1
        static let endHeaders: UInt8 = 0x4
        static let padded: UInt8 = 0x8
        static let priority: UInt8 = 0x20
    }

    struct Header {
        var length: Int
        var kind: Kind?
        var flags: UInt8
        var stream: UInt32
    }

    static let headerSize = 9
    /// The longest payload that every peer takes.
    static let maximumPayload = 16_384
    /// What a client sends first.
    static let prefaceSize = 24
}

extension ByteBuffer {
    mutating func writeFrame(_ kind: Frame.Kind, flags: UInt8 = 0, stream: UInt32 = 0, length: Int) {
        writeInteger(UInt32(length) << 8 | UInt32(kind.rawValue))
        writeInteger(flags)
        writeInteger(stream)
    }

    /// The next frame, header and payload, when all of it is there.
    mutating func readFrame() -> (Frame.Header, ByteBuffer)? {
        guard let word: UInt32 = getInteger(at: readerIndex) else { return nil }
        let length = Int(word >> 8)
        guard readableBytes >= Frame.headerSize + length else { return nil }
        moveReaderIndex(forwardBy: 4)
        let flags: UInt8 = readInteger() ?? 0
        let stream: UInt32 = readInteger() ?? 0
        let header = Frame.Header(
            length: length, kind: Frame.Kind(rawValue: UInt8(truncatingIfNeeded: word)), flags: flags,
            stream: stream & 0x7FFF_FFFF)
        return readSlice(length: length).map { (header, $0) }
    }
}
