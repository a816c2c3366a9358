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
/// A lookup scans the lines as they arrived, and ``fields`` converts all of them to `HTTPFields`. A call looks up a few
/// fields only: converting all of them would take as many instructions as the client's whole work for a small call.
public struct ResponseHeaderFields: Sendable {
    private enum Storage: Sendable {
        /// Lines of `name: value`, each ended by LF or CRLF. Lines without a colon are ignored.
        case lines([UInt8])
        case fields(HTTPFields)
    }

    private let storage: Storage

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
            Self.forEachLine(of: bytes) { line in
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return true }
                if let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self)) {
                    fields.append(HTTPField(name: name, value: Self.text(line, after: colon)))
                }
                return fields.count < Self.maximumCount
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
            var (name, value): (String, String?) = (name.canonicalName, nil)
            name.withUTF8 { name in
                Self.forEachLine(of: bytes) { line in
                    guard Self.isName(name, of: line) else { return true }
                    value = Self.text(line, after: name.count)
                    return false
                }
            }
            return value
        }
    }

    /// Calls `body` with each field whose name is `prefix` followed by one of `rests`: the index of that, and the value. It
    /// scans the lines once and copies nothing, for callers that read several fields of every response. What `body` gets is
    /// valid during its call only.
    ///
    /// - Parameters:
    ///   - prefix: Lowercase; names are compared case-insensitively.
    ///   - rests: Lowercase.
    package func forEachField(
        withPrefix prefix: StaticString, rest rests: [StaticString], _ body: (_ index: Int, _ value: RawText) -> Void
    ) {
        let prefix = Bytes(prefix)
        switch storage {
        case .fields(let fields):
            for field in fields {
                var (name, value) = (field.name.canonicalName, field.value)
                let index = name.withUTF8 { name -> Int? in
                    guard name.count >= prefix.count, Self.hasPrefix(name, prefix) else { return nil }
                    let rest = Bytes(rebasing: name.dropFirst(prefix.count))
                    return rests.firstIndex { rest.count == Bytes($0).count && Self.hasPrefix(rest, Bytes($0)) }
                }
                if let index { value.withUTF8 { body(index, RawText(bytes: $0)) } }
            }
        case .lines(let bytes):
            Self.forEachLine(of: bytes, beginningWith: prefix) { line in
                guard let start = line.baseAddress else { return true }
                let rest = Bytes(start: start + prefix.count, count: line.count - prefix.count)
                for index in rests.indices where Self.isName(Bytes(rests[index]), of: rest) {
                    body(index, RawText(bytes: Self.value(rest, after: rests[index].utf8CodeUnitCount)))
                    break
                }
                return true
            }
        }
    }

    fileprivate typealias Bytes = UnsafeBufferPointer<UInt8>

    /// Calls `body` with each line that begins with `prefix`, without its LF, until it returns `false`.
    ///
    /// - Parameter prefix: Lowercase; it is compared case-insensitively.
    @inline(__always)
    private static func forEachLine(
        of bytes: [UInt8], beginningWith prefix: Bytes = Bytes(start: nil, count: 0), _ body: (_ line: Bytes) -> Bool
    ) {
        bytes.withUnsafeBytes { bytes in
            guard var start = bytes.baseAddress else { return }
            let end = start + bytes.count
            while start < end {
                let lineEnd = memchr(start, Int32(UInt8(ascii: "\n")), end - start).map { UnsafeRawPointer($0) } ?? end
                let line = Bytes(start: start.assumingMemoryBound(to: UInt8.self), count: lineEnd - start)
                start = lineEnd + 1
                if line.count >= prefix.count, hasPrefix(line, prefix), !body(line) { return }
            }
        }
    }

    /// Whether `name`, which is lowercase, is the name of the field in a line, compared case-insensitively.
    @inline(__always)
    private static func isName(_ name: Bytes, of line: Bytes) -> Bool {
        // The position of the colon rules out nearly every other name.
        name.count < line.count && line[name.count] == UInt8(ascii: ":") && hasPrefix(line, name)
    }

    /// Whether `line` begins with `name`, which is lowercase, compared case-insensitively. `line` is not the shorter one.
    fileprivate static func hasPrefix(_ line: Bytes, _ name: Bytes) -> Bool {
        guard let start = line.baseAddress, let wanted = name.baseAddress, !name.isEmpty else { return name.isEmpty }
        // The first byte rules out most lines. Over HTTP/2, names are lowercase.
        guard lowercased(start[0]) == wanted[0] else { return false }
        return memcmp(start, wanted, name.count) == 0 || name.indices.allSatisfy { lowercased(line[$0]) == name[$0] }
    }

    /// The value of a line whose colon is at `colon`, as text.
    private static func text(_ line: Bytes, after colon: Int) -> String {
        String(decoding: value(line, after: colon), as: UTF8.self)
    }

    /// The value of a line whose colon is at `colon`, without the white space around it.
    private static func value(_ line: Bytes, after colon: Int) -> Bytes {
        func isSpace(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
        }
        guard let first = line.baseAddress else { return line }
        var (start, end) = (first + colon + 1, first + line.count)
        while start < end, isSpace(start.pointee) { start += 1 }
        while start < end, isSpace((end - 1).pointee) { end -= 1 }
        return Bytes(start: start, count: end - start)
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

extension ResponseHeaderFields {
    /// The bytes of a value, valid only during the call that passes it: copy what is to be kept with ``text(likely:)``.
    package struct RawText {
        fileprivate let bytes: Bytes

        /// The text: `likely` itself if it has the same bytes.
        package func text(likely: String? = nil) -> String {
            if var likely, likely.withUTF8(hasBytes) { return likely }
            return String(decoding: bytes, as: UTF8.self)
        }

        private func hasBytes(_ other: Bytes) -> Bool {
            guard bytes.count == other.count, let start = bytes.baseAddress, let wanted = other.baseAddress else {
                return bytes.count == other.count
            }
            return memcmp(start, wanted, bytes.count) == 0
        }

        /// The number, if the text consists of at most 18 digits: so many cannot overflow.
        package var wholeNumber: Int? {
            guard (1...18).contains(bytes.count) else { return nil }
            var number = 0
            for byte in bytes {
                guard byte &- 0x30 < 10 else { return nil }
                number = number &* 10 &+ Int(byte &- 0x30)
            }
            return number
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The bytes of a literal.
    fileprivate init(_ text: StaticString) {
        self.init(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

extension ResponseHeaderFields: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (HTTPField.Name, String)...) {
        var fields = HTTPFields()
        for (name, value) in elements { fields.append(HTTPField(name: name, value: value)) }
        self.init(fields)
    }
}
