public import HTTPTypes

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The header fields of a response, kept as bytes and parsed when they are read.
///
/// Most callers never read a response's header, so a transport passes on the lines as they arrived, and a lookup scans
/// them. ``fields`` converts all of them to `HTTPFields`.
public struct ResponseHeaderFields: Sendable {
    @usableFromInline
    enum Storage: Sendable {
        /// Lines of `name: value`, each ended by LF or CRLF. Lines without a colon are ignored.
        case lines([UInt8])
        case fields(HTTPFields)
    }

    @usableFromInline var storage: Storage

    /// Header fields that are parsed already.
    public init(_ fields: HTTPFields = [:]) {
        storage = .fields(fields)
    }

    /// The raw lines of a header block: `name: value`, each ended by LF or CRLF. Lines without a colon, the status line
    /// and the empty line for example, are ignored.
    public init(lines: [UInt8]) {
        storage = .lines(lines)
    }

    /// The largest number of fields in ``fields``. `HTTPFields` traps beyond 65,535 fields, which a server can exceed;
    /// half of that leaves room for fields that a caller adds.
    package static var maximumCount: Int { 32_768 }

    /// The fields in the order in which they arrived, at most 32,768. Fields with a name or value that HTTP does not allow
    /// are left out.
    public var fields: HTTPFields {
        switch storage {
        case .fields(let fields):
            return fields
        case .lines(let bytes):
            var fields = HTTPFields()
            bytes.withUnsafeBufferPointer { bytes in
                Self.forEachLine(of: bytes) { line in
                    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return true }
                    if let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self)) {
                        let value = Self.trimmed(Bytes(rebasing: line[(colon + 1)...]))
                        fields.append(HTTPField(name: name, value: String(decoding: value, as: UTF8.self)))
                    }
                    return fields.count < Self.maximumCount
                }
            }
            return fields
        }
    }

    /// The value of the first field called `name`, compared case-insensitively, or `nil` when there is none.
    public subscript(name: HTTPField.Name) -> String? {
        switch storage {
        case .fields(let fields):
            return fields.first { $0.name == name }?.value
        case .lines(let bytes):
            return bytes.withUnsafeBufferPointer { Self.value(of: name.canonicalName, in: $0) }
        }
    }

    /// Calls `body` with each field whose name begins with `prefix`: the rest of its name and its trimmed value. It scans
    /// the lines once and creates no string, for callers that read several fields of every response.
    ///
    /// - Parameter prefix: Lowercase; names are compared case-insensitively.
    /// - Returns: Whether the fields are kept as bytes. If not, `body` was not called.
    // Compiled into its caller, where the prefix is a constant and the comparison takes a few instructions.
    @inlinable
    @inline(__always)
    package func forEachField(
        withPrefix prefix: StaticString,
        _ body: (_ rest: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Void
    ) -> Bool {
        guard case .lines(let bytes) = storage else { return false }
        let prefix = Bytes(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
        bytes.withUnsafeBufferPointer { bytes in
            Self.forEachLine(of: bytes) { line in
                guard Self.hasPrefix(line, prefix), let start = line.baseAddress else { return true }
                let rest = Bytes(start: start + prefix.count, count: line.count - prefix.count)
                guard let colon = rest.firstIndex(of: UInt8(ascii: ":")) else { return true }
                body(
                    Bytes(start: rest.baseAddress, count: colon),
                    Self.trimmed(Bytes(start: start + prefix.count + colon + 1, count: rest.count - colon - 1)))
                return true
            }
        }
        return true
    }

    @usableFromInline typealias Bytes = UnsafeBufferPointer<UInt8>

    /// Whether `bytes`, a field name or the rest of one, equals `name` case-insensitively. `name` is lowercase.
    @inlinable
    @inline(__always)
    package static func isName(_ bytes: UnsafeBufferPointer<UInt8>, _ name: StaticString) -> Bool {
        bytes.count == name.utf8CodeUnitCount
            && hasPrefix(bytes, Bytes(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// The trimmed value of the first line whose name is `name`, which is lowercase.
    private static func value(of name: String, in bytes: Bytes) -> String? {
        var (name, value): (String, String?) = (name, nil)
        name.withUTF8 { name in
            forEachLine(of: bytes) { line in
                // The position of the colon rules out nearly every other line before the names are compared.
                guard line.count > name.count, line[name.count] == UInt8(ascii: ":"), hasPrefix(line, name) else {
                    return true
                }
                value = String(decoding: trimmed(Bytes(rebasing: line[(name.count + 1)...])), as: UTF8.self)
                return false
            }
        }
        return value
    }

    /// Calls `body` with each line, without its LF, until it returns `false`.
    @inlinable
    @inline(__always)
    static func forEachLine(of bytes: Bytes, _ body: (_ line: Bytes) -> Bool) {
        guard let base = bytes.baseAddress else { return }
        var start = 0
        while start < bytes.count {
            let end = lineEnd(in: bytes, from: start)
            guard body(Bytes(start: base + start, count: end - start)) else { return }
            start = end + 1
        }
    }

    /// The index of the LF that ends the line at `start`, or the count of `bytes` when there is none.
    @usableFromInline
    static func lineEnd(in bytes: Bytes, from start: Int) -> Int {
        guard start < bytes.count, let base = bytes.baseAddress else { return bytes.count }
        guard let found = memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start) else {
            return bytes.count
        }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    @inlinable
    @inline(__always)
    static func trimmed(_ bytes: Bytes) -> Bytes {
        func isSpace(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
        }
        var (start, end) = (0, bytes.count)
        while start < end, isSpace(bytes[start]) { start += 1 }
        while start < end, isSpace(bytes[end - 1]) { end -= 1 }
        return Bytes(start: bytes.baseAddress.map { $0 + start }, count: end - start)
    }

    /// Whether `bytes` begins with `prefix` case-insensitively. `prefix` is lowercase.
    @inlinable
    @inline(__always)
    static func hasPrefix(_ bytes: Bytes, _ prefix: Bytes) -> Bool {
        guard bytes.count >= prefix.count, let start = bytes.baseAddress, let wanted = prefix.baseAddress else {
            return prefix.isEmpty
        }
        // Over HTTP/2, names are lowercase. Other names are compared only when the first letters are equal in either
        // case, which differ in bit 5.
        return ByteComparison.areEqual(start, wanted, prefix.count)
            || (start.pointee | 0x20 == wanted.pointee | 0x20 && hasPrefixInOtherCase(bytes, prefix))
    }

    @usableFromInline
    static func hasPrefixInOtherCase(_ bytes: Bytes, _ prefix: Bytes) -> Bool {
        for (byte, lowercase) in zip(bytes, prefix) {
            let isUppercase = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            if (isUppercase ? byte | 0x20 : byte) != lowercase { return false }
        }
        return true
    }
}

extension ResponseHeaderFields: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (HTTPField.Name, String)...) {
        var fields = HTTPFields()
        for (name, value) in elements { fields.append(HTTPField(name: name, value: value)) }
        self.init(fields)
    }
}
