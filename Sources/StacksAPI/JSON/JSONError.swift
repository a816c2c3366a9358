/// Why bytes are not the JSON that was expected, and where.
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

    /// Where, in bytes from the beginning of the document.
    var offset: Int
}

extension JSONError.Reason: CustomStringConvertible {
    /// What is wrong, without any value of the document.
    var description: String {
        switch self {
        case .empty: return "the body is empty"
        case .unexpectedEnd: return "the document ends in the middle"
        case .unexpectedByte(let byte, let expected):
            // The byte alone gives nothing of the document away, and tells an HTML page ("<") at a glance.
            return "expected \(expected), found \(Self.name(byte))"
        case .wrongType(let found, let expected): return "expected \(expected), found \(found)"
        case .missingField(let name): return "the field \"\(name)\" is missing"
        case .controlCharacter(let byte): return "a string holds the control character \(Self.name(byte)) as it is"
        case .invalidEscape: return "a string holds an escape that JSON does not know"
        case .loneSurrogate: return "a string holds half of a surrogate pair"
        case .invalidUTF8: return "a string is not valid UTF-8"
        case .invalidNumber: return "a number is malformed"
        case .numberOutOfRange: return "a number is not an integer or out of range"
        case .invalidDate: return "a date is not in ISO 8601"
        case .tooDeep: return "the document is nested more than \(JSONReader.maximumDepth) levels deep"
        case .trailingBytes: return "something follows the end of the document"
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
    /// What is wrong, where in the document and at which byte: `expected a string, found a number at jobs[3].id (byte
    /// 482)`.
    func description(in document: [UInt8]) -> String {
        let path = JSONPath.locate(offset: offset, in: document)
        return "\(reason)" + (path.isEmpty ? "" : " at \(path)") + " (byte \(offset))"
    }
}
