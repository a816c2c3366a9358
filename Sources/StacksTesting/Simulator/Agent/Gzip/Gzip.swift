/// The gzip format (RFC 1952) in both directions, as agents compress their logs.
///
/// It is the simulator's own, because the one in memory gets compressed logs too, where no HTTP server decompresses them, and
/// a library that does would become a dependency of everybody who uses this package.
enum Gzip {
    /// Why bytes are no gzip document, or too large a one.
    enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        case notGzip
        case truncated
        case larger(than: Int)
        case invalidBlock
        case invalidCode
        case invalidDistance
        case wrongChecksum
        case trailingBytes

        var description: String {
            switch self {
            case .notGzip: "it does not begin as one"
            case .truncated: "it is cut short"
            case .larger(let limit): "it has more than \(limit) bytes decompressed"
            case .invalidBlock: "it has an invalid block"
            case .invalidCode: "it has an invalid code"
            case .invalidDistance: "it refers to bytes before its beginning"
            case .wrongChecksum: "its checksum or length is wrong"
            case .trailingBytes: "bytes follow its end"
            }
        }
    }

    /// The content of a document of one member. It costs at most linear time in the length of `bytes` and `limit`, and stops
    /// as soon as there are more than `limit` bytes.
    static func decompress(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        guard bytes.starts(with: [0x1F, 0x8B, 8]) else { throw .notGzip }
        guard bytes.count >= 18 else { throw .truncated }
        let flags = bytes[3]
        guard flags & 0xE0 == 0 else { throw .notGzip }
        var position = 10
        if flags & 4 != 0 {
            guard position + 2 <= bytes.count else { throw .truncated }
            position += 2 + Int(bytes[position]) + Int(bytes[position + 1]) << 8
        }
        // The name and the comment, each up to a zero byte.
        for flag in [UInt8(8), 16] where flags & flag != 0 {
            guard position < bytes.count, let end = bytes[position...].firstIndex(of: 0) else { throw .truncated }
            position = end + 1
        }
        if flags & 2 != 0 { position += 2 }
        guard position < bytes.count else { throw .truncated }

        var inflation = Inflation(bytes[position...], limit: limit)
        let content = try inflation.run()
        let end = inflation.position
        guard end + 8 <= bytes.count else { throw .truncated }
        let checksum = word(bytes, at: end)
        guard checksum == crc32(content), word(bytes, at: end + 4) == UInt32(truncatingIfNeeded: content.count) else {
            throw .wrongChecksum
        }
        guard end + 8 == bytes.count else { throw .trailingBytes }
        return content
    }

    /// A document with the content in stored blocks: valid, and not smaller.
    static func store(_ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
        var start = 0
        repeat {
            let count = min(content.count - start, 0xFFFF)
            let isLast = start + count == content.count
            bytes.append(isLast ? 1 : 0)
            bytes += [UInt8(count & 0xFF), UInt8(count >> 8), UInt8(~count & 0xFF), UInt8(~count >> 8 & 0xFF)]
            bytes += content[start..<start + count]
            start += count
        } while start < content.count
        for word in [crc32(content), UInt32(truncatingIfNeeded: content.count)] {
            for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(word >> shift & 0xFF)) }
        }
        return bytes
    }

    private static func word(_ bytes: [UInt8], at position: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[position + $1]) << UInt32(8 * $1) }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { $0 >> 8 ^ crcTable[Int(($0 ^ UInt32($1)) & 0xFF)] }
    }

    private static let crcTable: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
    }
}
