extension [UInt8] {
    /// The status in the status line that these bytes begin with: three digits, as RFC 9112 wants it, or `nil`.
    var statusCode: Int? {
        let digits = drop { $0 != UInt8(ascii: " ") }.drop { $0 == UInt8(ascii: " ") }.prefix(4)
        guard let last = digits.dropFirst(3).first, last <= UInt8(ascii: " ") else { return nil }
        var status = 0
        for digit in digits.prefix(3) {
            guard digit &- 0x30 < 10 else { return nil }
            status = status * 10 + Int(digit &- 0x30)
        }
        return (100...999).contains(status) ? status : nil
    }
}
