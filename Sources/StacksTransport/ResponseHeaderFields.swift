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
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else { return true }
                if let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self)) {
                    fields.append(HTTPField(name: name, value: Self.text(line[(colon + 1)...])))
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
            let name = name.canonicalName.utf8
            guard let last = name.last else { return nil }
            var value: String?
            Self.forEachLine(of: bytes) { line in
                let colon = line.startIndex + name.count
                // The position of the colon and the byte before it rule out nearly every other line.
                guard colon < line.endIndex, line[colon] == UInt8(ascii: ":"), Self.lowercased(line[colon - 1]) == last,
                    line[..<colon].elementsEqual(name, by: { Self.lowercased($0) == $1 })
                else { return true }
                value = Self.text(line[(colon + 1)...])
                return false
            }
            return value
        }
    }

    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    /// Calls `body` with each line, without its LF, until it returns `false`.
    private static func forEachLine(of bytes: [UInt8], _ body: (_ line: Bytes) -> Bool) {
        bytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            var start = 0
            while start < bytes.count {
                let feed = memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start)
                let end = feed.map { UnsafeRawPointer($0) - UnsafeRawPointer(base) } ?? bytes.count
                guard body(bytes[start..<end]) else { return }
                start = end + 1
            }
        }
    }

    /// The text of a value, without the white space around it.
    private static func text(_ value: Bytes) -> String {
        func isSpace(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
        }
        let rest = value.drop(while: isSpace)
        let end = rest.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? rest.startIndex
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

extension ResponseHeaderFields: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (HTTPField.Name, String)...) {
        var fields = HTTPFields()
        for (name, value) in elements { fields.append(HTTPField(name: name, value: value)) }
        self.init(fields)
    }
}
