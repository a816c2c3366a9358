/// Why bytes are not the expected JSON, and where.
struct JSONError: Error, Equatable {
    enum Reason: Equatable {
        case empty
        case unexpectedEnd
        case unexpectedByte(UInt8, expected: String)
        case wrongType(found: String, expected: String)
        case missingField(String)
        case controlCharacter(UInt8)
        case invalidEscape
        case loneSurrogate
        case invalidUTF8
        case invalidNumber
        case numberOutOfRange
        case invalidDate
        case tooDeep
        case trailingBytes
    }

    var reason: Reason

    /// The position, in bytes from the beginning of the document.
    var offset: Int
}

extension JSONError.Reason: CustomStringConvertible {
    /// What is wrong, without any value of the document.
    var description: String {
        switch self {
        case .empty: return "the body is empty"
        case .unexpectedEnd: return "the document ends in the middle"
        case .unexpectedByte(let byte, let expected):
            // A single byte reveals nothing of the document, and shows an HTML page ("<") at a glance.
            return "expected \(expected), found \(Self.name(byte))"
        case .wrongType(let found, let expected): return "expected \(expected), found \(found)"
        case .missingField(let name): return "the field \"\(name)\" is missing"
        case .controlCharacter(let byte):
            return "a string contains the control character \(Self.name(byte)) without an escape"
        case .invalidEscape: return "a string contains an escape that JSON does not have"
        case .loneSurrogate: return "a string contains half of a surrogate pair"
        case .invalidUTF8: return "a string is not valid UTF-8"
        case .invalidNumber: return "a number is malformed"
        case .numberOutOfRange: return "a number is not an integer or is out of range"
        case .invalidDate: return "a date is not in ISO 8601"
        case .tooDeep: return "the document is nested more than \(JSONReader.maximumDepth) levels deep"
        case .trailingBytes: return "there are bytes after the end of the document"
        }
    }

    private static func name(_ byte: UInt8) -> String {
        guard byte > 0x20, byte < 0x7F else {
            let digits = String(byte, radix: 16, uppercase: true)
            return "byte 0x" + (digits.utf8.count == 1 ? "0" : "") + digits
        }
        return "'\(Unicode.Scalar(byte))'"
    }
}

extension JSONError {
    /// What is wrong, and where in the document: `expected a string, found a number at jobs[3].id (byte
    /// 482)`.
    func description(in document: [UInt8]) -> String {
        let path = JSONPath.locate(offset: offset, in: document)
        return "\(reason)" + (path.isEmpty ? "" : " at \(path)") + " (byte \(offset))"
    }
}

/// Finds the path to a byte in a document, `jobs[3].id` for example.
///
/// The reader keeps no path, because it would slow down every document and only broken ones need it. The path is found
/// from the offset: everything before it has been read and is well-formed.
enum JSONPath {
    private enum Level {
        case object(key: String?)
        case array(index: Int)
    }

    static func locate(offset: Int, in document: [UInt8]) -> String {
        var levels: [Level] = []
        var index = 0
        var expectsKey = false
        while index < min(offset, document.count) {
            switch document[index] {
            case UInt8(ascii: "{"):
                levels.append(.object(key: nil))
                expectsKey = true
            case UInt8(ascii: "["):
                levels.append(.array(index: 0))
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                _ = levels.popLast()
            case UInt8(ascii: ","):
                switch levels.last {
                case .array(let index): levels[levels.count - 1] = .array(index: index + 1)
                case .object:
                    levels[levels.count - 1] = .object(key: nil)
                    expectsKey = true
                case nil: break
                }
            case UInt8(ascii: "\""):
                let start = index + 1
                index = endOfString(from: start, in: document)
                if expectsKey, case .object = levels.last, index <= offset {
                    let key = String(decoding: document[start..<min(index, document.count)], as: UTF8.self)
                    levels[levels.count - 1] = .object(key: cropped(key))
                    expectsKey = false
                }
            default:
                break
            }
            index += 1
        }
        return levels.reduce(into: "") { path, level in
            switch level {
            case .object(let key?): path += path.isEmpty ? key : ".\(key)"
            case .object(nil): break
            case .array(let index): path += "[\(index)]"
            }
        }
    }

    /// The key, cropped to fit on a line: keys of a dictionary can have any length.
    private static func cropped(_ key: String) -> String {
        guard key.utf8.count > 64, key.unicodeScalars.count > 64 else { return key }
        return String(key.unicodeScalars.prefix(64)) + "…"
    }

    private static func endOfString(from start: Int, in document: [UInt8]) -> Int {
        var index = start
        while index < document.count, document[index] != UInt8(ascii: "\"") {
            index += document[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return index
    }
}
