/// Finds out where in a document a byte is, `jobs[3].id` for example.
///
/// The reader keeps no path while it reads, because it would cost on every document and is needed on broken ones alone.
/// It is found afterwards from the offset: everything before that offset has been read, and so is well-formed.
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

    /// A key in a dictionary can be as long as whoever wrote it liked; what is shown of it fits on a line.
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
