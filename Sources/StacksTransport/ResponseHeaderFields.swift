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
                    // The position of the colon rules out nearly every other line.
                    guard line.count > name.count, line[name.count] == UInt8(ascii: ":"), Self.hasPrefix(line, name)
                    else { return true }
                    value = Self.text(line, after: name.count)
                    return false
                }
            }
            return value
        }
    }

    /// Calls `body` with each field whose name begins with `prefix`: the rest of its name in lowercase, and its value. It
    /// scans the lines once, for callers that read several fields of every response.
    ///
    /// - Parameter prefix: Lowercase; names are compared case-insensitively.
    package func forEachField(withPrefix prefix: String, _ body: (_ rest: String, _ value: String) -> Void) {
        switch storage {
        case .fields(let fields):
            for field in fields where field.name.canonicalName.hasPrefix(prefix) {
                body(String(field.name.canonicalName.dropFirst(prefix.count)), field.value)
            }
        case .lines(let bytes):
            var prefix = prefix
            prefix.withUTF8 { prefix in
                Self.forEachLine(of: bytes) { line in
                    guard line.count > prefix.count, Self.hasPrefix(line, prefix),
                        let colon = line[prefix.count...].firstIndex(of: UInt8(ascii: ":"))
                    else { return true }
                    let rest = String(unsafeUninitializedCapacity: colon - prefix.count) { rest in
                        for index in prefix.count..<colon { rest[index - prefix.count] = Self.lowercased(line[index]) }
                        return colon - prefix.count
                    }
                    body(rest, Self.text(line, after: colon))
                    return true
                }
            }
        }
    }

    private typealias Bytes = UnsafeBufferPointer<UInt8>

    /// Calls `body` with each line, without its LF, until it returns `false`.
    private static func forEachLine(of bytes: [UInt8], _ body: (_ line: Bytes) -> Bool) {
        bytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            var start = 0
            while start < bytes.count {
                let feed = memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start)
                let end = feed.map { UnsafeRawPointer($0) - UnsafeRawPointer(base) } ?? bytes.count
                guard body(Bytes(start: base + start, count: end - start)) else { return }
                start = end + 1
            }
        }
    }

    /// Whether `line` begins with `name`, which is lowercase, compared case-insensitively. `line` is the longer one.
    private static func hasPrefix(_ line: Bytes, _ name: Bytes) -> Bool {
        guard let start = line.baseAddress, let wanted = name.baseAddress else { return name.isEmpty }
        // Over HTTP/2, names are lowercase.
        return memcmp(start, wanted, name.count) == 0 || name.indices.allSatisfy { lowercased(line[$0]) == name[$0] }
    }

    /// The value of a line whose colon is at `colon`, without the white space around it.
    private static func text(_ line: Bytes, after colon: Int) -> String {
        func isSpace(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
        }
        var (start, end) = (colon + 1, line.count)
        while start < end, isSpace(line[start]) { start += 1 }
        while start < end, isSpace(line[end - 1]) { end -= 1 }
        return String(decoding: Bytes(rebasing: line[start..<end]), as: UTF8.self)
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
