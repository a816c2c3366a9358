/// Writes a request's body or path straight into the memory of the array or string that it becomes.
///
/// How many bytes there will be is computed first, so that this memory is allocated once and filled once.
struct ByteWriter: ~Copyable {
    private let start: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private var count = 0

    private init(_ start: UnsafeMutablePointer<UInt8>, capacity: Int) {
        self.start = start
        self.capacity = capacity
    }

    /// The bytes that `body` writes, `capacity` at most.
    static func bytes(capacity: Int, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
        // A short text is written on the stack and copied: creating an uninitialized array costs more.
        if capacity <= 512 {
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { buffer in
                guard let start = buffer.baseAddress else { return [] }
                var writer = ByteWriter(start, capacity: capacity)
                body(&writer)
                return Array(UnsafeBufferPointer(start: start, count: writer.count))
            }
        }
        return [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            var writer = ByteWriter(start, capacity: capacity)
            body(&writer)
            count = writer.count
        }
    }

    /// The text that `body` writes, of `capacity` bytes at most. A string that grows piece by piece costs three times
    /// as much.
    static func text(capacity: Int, _ body: (inout ByteWriter) -> Void) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            var writer = ByteWriter(start, capacity: capacity)
            body(&writer)
            return String(decoding: UnsafeBufferPointer(start: start, count: writer.count), as: UTF8.self)
        }
    }

    /// Where the next `size` bytes go. The callers compute sizes that are large enough, whatever the input.
    @inline(__always)
    private mutating func reserve(_ size: Int) -> UnsafeMutablePointer<UInt8> {
        precondition(size <= capacity - count, "a request is longer than computed")
        defer { count += size }
        return start + count
    }

    // MARK: Paths

    /// Text as it is.
    mutating func text(_ text: String) {
        let target = UnsafeMutableRawBufferPointer(start: reserve(text.utf8.count), count: text.utf8.count)
        target.copyBytes(from: text.utf8)
    }

    /// An identifier as one segment of a path.
    mutating func segment(_ job: JobID) {
        switch job.storage {
        case .uuid(let high, let low):
            CanonicalUUID.write(high: high, low: low, to: UnsafeMutableRawPointer(reserve(CanonicalUUID.length)))
        case .text(let text):
            var segment = ""
            PercentEncoding.append(text, to: &segment)
            self.text(segment)
        }
    }

    /// How many bytes ``segment(_:)`` writes at most.
    static func segmentSize(_ job: JobID) -> Int {
        switch job.storage {
        case .uuid: return CanonicalUUID.length
        // A byte that is encoded takes three.
        case .text(let text): return 3 * text.utf8.count
        }
    }

    // MARK: JSON

    /// Text that is JSON already: punctuation and keys.
    @inline(__always)
    mutating func raw(_ text: StaticString) {
        reserve(text.utf8CodeUnitCount).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    mutating func int(_ value: Int) {
        var text = String(value)
        text.withUTF8 { reserve($0.count).update(from: $0.baseAddress!, count: $0.count) }
    }

    @inline(__always)
    mutating func identifier<Resource>(_ identifier: Identifier<Resource>) {
        switch identifier.storage {
        case .uuid(let high, let low):
            let bytes = reserve(CanonicalUUID.length + 2)
            bytes[0] = UInt8(ascii: "\"")
            CanonicalUUID.write(high: high, low: low, to: UnsafeMutableRawPointer(bytes + 1))
            bytes[CanonicalUUID.length + 1] = UInt8(ascii: "\"")
        case .text(let text):
            string(text)
        }
    }

    mutating func string(_ text: String) {
        Self.withBytes(of: text) { bytes in
            if Self.isPlain(bytes) {
                let quoted = reserve(bytes.count + 2)
                quoted[0] = UInt8(ascii: "\"")
                (quoted + 1).update(from: bytes.baseAddress!, count: bytes.count)
                quoted[bytes.count + 1] = UInt8(ascii: "\"")
                return
            }
            reserve(1).pointee = UInt8(ascii: "\"")
            var index = 0
            while index < bytes.count {
                let run = index
                index = Self.endOfPlainRun(bytes, from: index)
                if index > run { reserve(index - run).update(from: bytes.baseAddress! + run, count: index - run) }
                if index < bytes.count {
                    escape(bytes[index])
                    index += 1
                }
            }
            reserve(1).pointee = UInt8(ascii: "\"")
        }
    }

    private mutating func escape(_ byte: UInt8) {
        let short: UInt8?
        switch byte {
        case 0x08: short = UInt8(ascii: "b")
        case 0x09: short = UInt8(ascii: "t")
        case 0x0A: short = UInt8(ascii: "n")
        case 0x0C: short = UInt8(ascii: "f")
        case 0x0D: short = UInt8(ascii: "r")
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): short = byte
        default: short = nil
        }
        if let short {
            let bytes = reserve(2)
            bytes[0] = UInt8(ascii: "\\")
            bytes[1] = short
            return
        }
        raw("\\u00")
        let bytes = reserve(2)
        let low = byte & 0x0F
        bytes[0] = UInt8(ascii: "0") + byte >> 4
        bytes[1] = low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10
    }

    // MARK: Sizes of JSON

    /// How many bytes ``string(_:)`` writes.
    static func size(_ text: String) -> Int {
        withBytes(of: text) { bytes in
            if isPlain(bytes) { return bytes.count + 2 }
            var size = 2
            var index = 0
            while index < bytes.count {
                let run = index
                index = endOfPlainRun(bytes, from: index)
                size += index - run
                if index < bytes.count {
                    size += escapedSize(bytes[index])
                    index += 1
                }
            }
            return size
        }
    }

    @inline(__always)
    private static func withBytes<Value>(of text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        if let value = text.utf8.withContiguousStorageIfAvailable(body) { return value }
        var text = text
        return text.withUTF8(body)
    }

    /// How many bytes ``identifier(_:)`` writes.
    @inline(__always)
    static func size<Resource>(_ identifier: Identifier<Resource>) -> Int {
        switch identifier.storage {
        case .uuid: return CanonicalUUID.length + 2
        case .text(let text): return size(text)
        }
    }

    /// The most bytes that ``int(_:)`` writes.
    static let maximumIntSize = 20

    /// Whether nothing must be escaped, as in most strings; `false` also for strings of fewer than eight bytes.
    @inline(__always)
    private static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count >= 8, let base = bytes.baseAddress else { return false }
        func stops(at offset: Int) -> UInt64 {
            JSONReader.stops(in: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self))
        }
        // The last word ends with the last byte, so it may overlap the word before.
        let last = bytes.count &- 8
        var found = stops(at: last)
        var offset = 0
        while offset < last {
            found |= stops(at: offset)
            offset &+= 8
        }
        return found == 0
    }

    /// The first byte at or after `start` that must be escaped, or the end. Reads eight bytes at a time while there
    /// are eight.
    @inline(__always)
    private static func endOfPlainRun(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var index = start
        while bytes.count - index >= 8, let base = bytes.baseAddress {
            let word = UInt64(littleEndian: UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self))
            let stops = JSONReader.stops(in: word)
            if stops != 0 { return index + stops.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < bytes.count, escapedSize(bytes[index]) == 1 { index += 1 }
        return index
    }

    @inline(__always)
    private static func escapedSize(_ byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x08, 0x09, 0x0A, 0x0C, 0x0D: return 2
        case 0..<0x20: return 6
        default: return 1
        }
    }
}

/// Encodes any string as one segment of a path or one value of a query.
///
/// Only `A-Z`, `a-z`, `0-9`, `-`, `_` and `~` are not encoded. The dot is encoded although URLs allow it, because the
/// server accepts no dots in these segments.
enum PercentEncoding {
    /// Whether a stack's key may contain the byte. Such bytes need no encoding.
    @inline(__always)
    static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            return true
        default:
            return false
        }
    }

    static func append(_ segment: String, to path: inout String) {
        func staysAsIs(_ byte: UInt8) -> Bool { isKeyByte(byte) || byte == UInt8(ascii: "~") }
        if segment.utf8.allSatisfy(staysAsIs) {
            path += segment
            return
        }
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        for byte in segment.utf8 {
            if staysAsIs(byte) {
                path.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                path.unicodeScalars.append("%")
                path.unicodeScalars.append(digits[Int(byte >> 4)])
                path.unicodeScalars.append(digits[Int(byte & 15)])
            }
        }
    }
}
