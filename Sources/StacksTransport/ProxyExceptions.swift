/// The hosts in a list like `no_proxy`, restricted to the entries that every version of libcurl reads in the same way.
///
/// Entries that some versions read differently, address ranges for example, match no host.
package struct ProxyExceptions {
    private let entries: [Substring]

    /// A list whose entries are separated by commas or spaces.
    package init(_ list: String) { entries = list.split { $0 == "," || $0 == " " || $0 == "\t" } }

    /// Whether requests to `host` bypass the proxy. An IPv6 address may have brackets.
    package func names(_ host: some StringProtocol) -> Bool {
        if entries == ["*"] { return true }
        var name = Substring(host.lowercased())
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        if name.hasSuffix(".") { name = name.dropLast() }
        if name.isEmpty { return false }
        let isAddress = name.contains(":") || HostAddress.dottedIPv4(name) != nil
        return entries.contains { entry in
            var entry = Substring(entry.lowercased())
            if isAddress { return entry == name }
            if entry.hasPrefix(".") { entry = entry.dropFirst() }
            if entry.hasSuffix(".") { entry = entry.dropLast() }
            return !entry.isEmpty && (name == entry || name.hasSuffix(".\(entry)"))
        }
    }
}
