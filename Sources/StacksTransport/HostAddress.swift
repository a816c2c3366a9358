/// Parses the host of a URL, without resolving names.
package enum HostAddress {
    /// Whether `host` is this machine, in any spelling: `localhost` and its subdomains, 127.0.0.0/8, `::1`, the
    /// unspecified addresses 0.0.0.0 and `::`, their IPv4-mapped forms, and IPv4 addresses in the other forms that
    /// resolvers accept (fewer parts, hexadecimal, octal).
    ///
    /// It decides which requests bypass a proxy. Whether a host may receive plaintext takes a stricter check.
    package static func isLoopback(_ host: some StringProtocol) -> Bool {
        var name = Substring(host.lowercased())
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        if name.contains(":") {
            guard let groups = ipv6(name) else { return false }
            if groups.allSatisfy({ $0 == 0 }) { return true }
            return isLoopback(ipv6: groups) || mapped(groups) == 0
        }
        if name.hasSuffix(".") { name = name.dropLast() }
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        guard let address = ipv4(name) else { return false }
        return address >> 24 == 127 || address == 0
    }

    /// Whether the host of a URL, `http://127.0.0.1:8080` for example, is this machine.
    package static func isLoopback(hostOf url: String) -> Bool { isLoopback(host(of: url)) }

    /// The host of a URL, an IPv6 address in brackets.
    package static func host(of url: String) -> Substring {
        var rest = url[...]
        if let colon = url.firstRange(of: "://") { rest = url[colon.upperBound...] }
        var authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        if authority.hasPrefix("["), let bracket = authority.firstIndex(of: "]") { return authority[...bracket] }
        return authority.prefix { $0 != ":" }
    }

    /// Whether the groups are `::1`, or an IPv4-mapped address in 127.0.0.0/8.
    package static func isLoopback(ipv6 groups: [UInt16]) -> Bool {
        groups == [0, 0, 0, 0, 0, 0, 0, 1] || mapped(groups).map { $0 >> 24 == 127 } == true
    }

    /// The eight groups of an IPv6 address (<https://www.rfc-editor.org/rfc/rfc4291#section-2.2>), or `nil` when the text
    /// is not one.
    package static func ipv6(_ text: Substring) -> [UInt16]? {
        guard let gap = text.firstRange(of: "::") else {
            guard let groups = ipv6Groups(text, isTail: true), groups.count == 8 else { return nil }
            return groups
        }
        guard let head = ipv6Groups(text[..<gap.lowerBound], isTail: false),
            let tail = ipv6Groups(text[gap.upperBound...], isTail: true), head.count + tail.count < 8
        else { return nil }
        return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    /// - Parameter isTail: Whether the last 32 bits may be written as an IPv4 address.
    private static func ipv6Groups(_ text: Substring, isTail: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if isTail, index == parts.count - 1, part.contains(".") {
                guard let address = dottedIPv4(part) else { return nil }
                groups += [UInt16(address >> 16), UInt16(truncatingIfNeeded: address)]
                continue
            }
            guard (1...4).contains(part.utf8.count), part.first != "+", let group = UInt16(part, radix: 16) else {
                return nil
            }
            groups.append(group)
        }
        return groups
    }

    /// The IPv4 address of an IPv4-mapped address, or `nil` when the groups are not one.
    private static func mapped(_ groups: [UInt16]) -> UInt32? {
        guard groups.count == 8, groups[..<6].elementsEqual([0, 0, 0, 0, 0, 0xFFFF]) else { return nil }
        return UInt32(groups[6]) << 16 | UInt32(groups[7])
    }

    /// An IPv4 address in dotted-decimal form: four numbers without leading zeros.
    package static func dottedIPv4(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                part.utf8.count == 1 || part.first != "0", let number = UInt8(part)
            else { return nil }
            address = address << 8 | UInt32(number)
        }
        return address
    }

    /// An IPv4 address in any form that `inet_aton` accepts: one to four numbers, the last of which fills the remaining
    /// bytes.
    private static func ipv4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...4).contains(parts.count) else { return nil }
        var address: UInt64 = 0
        for (index, part) in parts.enumerated() {
            let isHexadecimal = part.hasPrefix("0x")
            let digits = isHexadecimal ? part.dropFirst(2) : part
            let radix = isHexadecimal ? 16 : part.hasPrefix("0") ? 8 : 10
            guard digits.first != "+", digits.first != "-", let number = UInt32(digits, radix: radix) else {
                return nil
            }
            let bits = index == parts.count - 1 ? 8 * (5 - parts.count) : 8
            guard UInt64(number) < 1 << UInt64(bits) else { return nil }
            address = address << UInt64(bits) | UInt64(number)
        }
        return UInt32(exactly: address)
    }
}
