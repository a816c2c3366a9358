/// Encodes any string as one segment of a path or one value of a query.
///
/// Only `A-Z`, `a-z`, `0-9`, `-`, `_` and `~` are not encoded. The dot is encoded although URLs allow it, because the
/// server accepts no dots in these segments.
enum PercentEncoding {
    /// Whether a stack's key may contain the byte. Such bytes need no encoding.
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
