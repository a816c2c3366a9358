/// The encoding of a path or a query.
package enum PercentEncoding {
    /// The bytes of a text, or `nil` when its encoding is invalid.
    static func decode(_ text: Substring, plusIsSpace: Bool) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    /// The bytes of a text of which only the valid parts are decoded: a `%` without two hexadecimal digits stands for itself.
    ///
    /// - Returns: The bytes, and where each one begins in the text; one more offset is the end of the text.
    static func decodeWhatIsValid(_ text: [UInt8]) -> (bytes: [UInt8], offsets: [Int]) {
        var (bytes, offsets): ([UInt8], [Int]) = ([], [])
        var index = 0
        while index < text.count {
            offsets.append(index)
            if text[index] == UInt8(ascii: "%"), index + 2 < text.count, let high = hexValue(text[index + 1]),
                let low = hexValue(text[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(text[index])
                index += 1
            }
        }
        return (bytes, offsets + [text.count])
    }

    /// The text, or `nil` when its encoding or its UTF-8 is invalid.
    package static func text(_ text: Substring, plusIsSpace: Bool) -> String? {
        decode(text, plusIsSpace: plusIsSpace).flatMap { String(validating: $0, as: UTF8.self) }
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init)
    }
}
