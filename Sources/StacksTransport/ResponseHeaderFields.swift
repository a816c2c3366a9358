public import HTTPTypes

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The header fields of an answer, kept as bytes until somebody asks for one.
///
/// Most answers are never asked for a header, so a transport hands over the lines as they arrived, and looking one up
/// scans them. ``fields`` turns all of them into `HTTPFields`.
public struct ResponseHeaderFields: Sendable {
    @usableFromInline
    enum Storage: Sendable {
        /// Lines of `name: value`, each ended by LF or CRLF. Lines without a colon are ignored.
        case lines([UInt8])
        case fields(HTTPFields)
    }

    @usableFromInline var storage: Storage

    /// Fields that are there already.
    public init(_ fields: HTTPFields = [:]) {
        storage = .fields(fields)
    }

    /// The raw lines of a header block: `name: value`, each ended by LF or CRLF. A status line, an empty line or any
    /// other line without a colon is ignored.
    public init(lines: [UInt8]) {
        storage = .lines(lines)
    }

    /// How many fields are listed at most. `HTTPFields` traps beyond 65 535 of them, which is fewer than the lines that a
    /// server can send; half as many leave room for those that a reader adds.
    package static var maximumCount: Int { 32_768 }

    /// All fields in the order in which they arrived. Names or values that HTTP does not allow are left out, and so is
    /// what comes after the 32 768th field.
    public var fields: HTTPFields {
        switch storage {
        case .fields(let fields):
            return fields
        case .lines(let bytes):
            var fields = HTTPFields()
            Self.forEachLine(of: bytes) { name, value in
                if let name = HTTPField.Name(String(decoding: name, as: UTF8.self)) {
                    fields.append(HTTPField(name: name, value: String(decoding: value, as: UTF8.self)))
                }
                return fields.count < Self.maximumCount
            }
            return fields
        }
    }

    /// The value of the first field called `name`, compared without regard to case, or `nil` when there is none.
    public subscript(name: HTTPField.Name) -> String? {
        switch storage {
        case .fields(let fields):
            return fields.first { $0.name == name }?.value
        case .lines(let bytes):
            return bytes.withUnsafeBufferPointer { Self.value(of: name.canonicalName, in: $0) }
        }
    }

    /// Calls `body` with each field whose name begins with `prefix`: the rest of its name and its trimmed value. One pass
    /// and no string, for who reads several fields of every answer.
    ///
    /// - Parameter prefix: Lowercase; the names are compared without regard to case.
    /// - Returns: Whether the fields are kept as bytes. When they are not, `body` was not called.
    // Compiled into its caller: a comparison with a name that is known there takes a few instructions.
    @inlinable
    @inline(__always)
    package func forEachField(
        withPrefix prefix: StaticString,
        _ body: (_ rest: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Void
    ) -> Bool {
        guard case .lines(let bytes) = storage else { return false }
        let prefix = Bytes(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
        bytes.withUnsafeBufferPointer { bytes in
            var start = 0
            while bytes.count - start > prefix.count, let line = bytes.baseAddress.map({ $0 + start }) {
                let end = Self.lineEnd(in: bytes, from: start)
                let count = end - start
                start = end + 1
                guard Self.hasPrefix(Bytes(start: line, count: count), prefix) else { continue }
                let name = Bytes(start: line + prefix.count, count: count - prefix.count)
                guard let colon = name.firstIndex(of: UInt8(ascii: ":")) else { continue }
                body(
                    Bytes(start: name.baseAddress, count: colon),
                    Self.trimmed(Bytes(start: line + prefix.count + colon + 1, count: name.count - colon - 1)))
            }
        }
        return true
    }

    @usableFromInline typealias Bytes = UnsafeBufferPointer<UInt8>

    /// Whether a name, or the rest of one, is `name`, which is lowercase, without regard to case.
    @inlinable
    @inline(__always)
    package static func isName(_ bytes: UnsafeBufferPointer<UInt8>, _ name: StaticString) -> Bool {
        bytes.count == name.utf8CodeUnitCount
            && hasPrefix(bytes, Bytes(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// The trimmed value of the first line whose name is `name`, which is lowercase.
    private static func value(of name: String, in bytes: Bytes) -> String? {
        var name = name
        return name.withUTF8 { name in
            var start = 0
            while bytes.count - start > name.count {
                // The colon's place tells nearly every other line apart before a name is compared.
                if bytes[start + name.count] == UInt8(ascii: ":"), hasPrefix(Bytes(rebasing: bytes[start...]), name) {
                    let end = lineEnd(in: bytes, from: start)
                    return String(
                        decoding: trimmed(Bytes(rebasing: bytes[(start + name.count + 1)..<end])), as: UTF8.self)
                }
                start = lineEnd(in: bytes, from: start) + 1
            }
            return nil
        }
    }

    /// Where the line that begins at `start` ends: at its LF, or with the last byte.
    @usableFromInline
    static func lineEnd(in bytes: Bytes, from start: Int) -> Int {
        guard start < bytes.count, let base = bytes.baseAddress else { return bytes.count }
        guard let found = memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start) else {
            return bytes.count
        }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// Calls `body` with name and trimmed value of each line until it returns `false`.
    private static func forEachLine(of bytes: [UInt8], _ body: (Bytes, Bytes) -> Bool) {
        bytes.withUnsafeBufferPointer { bytes in
            var start = bytes.startIndex
            while start < bytes.endIndex {
                let end = lineEnd(in: bytes, from: start)
                let line = Bytes(rebasing: bytes[start..<end])
                start = end + 1
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { continue }
                if !body(Bytes(rebasing: line[..<colon]), trimmed(Bytes(rebasing: line[(colon + 1)...]))) { return }
            }
        }
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

    /// Whether the bytes begin with `prefix`, which is lowercase, without regard to case.
    @inlinable
    @inline(__always)
    static func hasPrefix(_ bytes: Bytes, _ prefix: Bytes) -> Bool {
        guard bytes.count >= prefix.count, let start = bytes.baseAddress, let wanted = prefix.baseAddress else {
            return prefix.isEmpty
        }
        // Over HTTP/2 all names are in lowercase. Bit 5 is what upper and lower case differ in: for other names, one
        // look tells nearly all apart.
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
