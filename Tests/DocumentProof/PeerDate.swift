import Foundation

/// A date of the API, read by the C library's calendar.
struct PeerDate: Decodable {
    var date: Date

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let date = Self.date(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no date")
        }
        self.date = date
    }

    /// `2026-11-19T08:30:00`, perhaps a fraction, and `Z`, `±hh`, `±hhmm` or `±hh:mm`.
    static func date(_ text: String) -> Date? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, matches(bytes[..<19], "dddd-dd-ddtdd:dd:dd") else { return nil }
        func number(_ range: Range<Int>) -> Int32 { Int32(String(decoding: bytes[range], as: UTF8.self)) ?? -1 }
        var time = tm()
        time.tm_year = number(0..<4) - 1900
        time.tm_mon = number(5..<7) - 1
        time.tm_mday = number(8..<10)
        time.tm_hour = number(11..<13)
        time.tm_min = number(14..<16)
        let second = number(17..<19)
        // The calendar turns the 30th of February into March: what comes back differs from what went in.
        var seconds = timegm(&time)
        var back = tm()
        gmtime_r(&seconds, &back)
        guard back.tm_mon == number(5..<7) - 1, back.tm_mday == number(8..<10), back.tm_hour == number(11..<13),
            back.tm_min == number(14..<16), second <= 60
        else { return nil }
        var rest = bytes[19...]
        var fraction = 0.0
        if let separator = rest.first, separator == UInt8(ascii: ".") || separator == UInt8(ascii: ",") {
            let digits = rest.dropFirst().prefix { isDigit($0) }
            guard !digits.isEmpty else { return nil }
            fraction = Double("0.\(String(decoding: digits.prefix(9), as: UTF8.self))") ?? 0
            rest = rest.dropFirst(1 + digits.count)
        }
        guard let offset = offset(Array(rest)) else { return nil }
        return Date(timeIntervalSinceReferenceDate: Double(seconds + Int(second) - offset - 978_307_200) + fraction)
    }

    private static func offset(_ zone: [UInt8]) -> Int? {
        if zone == [UInt8(ascii: "Z")] || zone == [UInt8(ascii: "z")] { return 0 }
        guard ["sdd", "sdddd", "sdd:dd"].contains(where: { matches(zone[...], $0) }) else { return nil }
        let digits = zone.filter(isDigit).map { Int($0) - 0x30 } + [0, 0]
        let (hours, minutes) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        guard hours < 24, minutes < 60 else { return nil }
        return (zone[0] == UInt8(ascii: "-") ? -1 : 1) * (hours * 60 + minutes) * 60
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Whether the bytes have the form: `d` is a digit, `t` what separates day and time, `s` a sign.
    private static func matches(_ bytes: ArraySlice<UInt8>, _ form: String) -> Bool {
        guard bytes.count == form.utf8.count else { return false }
        return zip(bytes, form.utf8).allSatisfy { byte, place in
            switch place {
            case UInt8(ascii: "d"): isDigit(byte)
            case UInt8(ascii: "t"): "Tt ".utf8.contains(byte)
            case UInt8(ascii: "s"): "+-".utf8.contains(byte)
            default: byte == place
            }
        }
    }
}
