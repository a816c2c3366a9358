extension [UInt8] {
    /// Whether these bytes begin with a status line that has this status: three digits, as RFC 9112 wants it.
    func statusLineSays(_ status: Int) -> Bool {
        let digits = drop { $0 != UInt8(ascii: " ") }.drop { $0 == UInt8(ascii: " ") }.prefix(4)
        guard let last = digits.dropFirst(3).first, last <= UInt8(ascii: " ") else { return false }
        return digits.prefix(3).reduce(0) { $0 * 10 + Int($1) - 48 } == status
    }
}
