/// Which hosts a list as in `no_proxy` names: as much of it as every version of libcurl reads in the same way.
///
/// What one of them may read otherwise, a range of addresses for example, counts as not named.
package struct ProxyExceptions {
    private let entries: [Substring]

    /// A list whose entries are separated by commas or spaces.
    package init(_ list: String) { entries = list.split { $0 == "," || $0 == " " || $0 == "\t" } }

    /// Whether `host`, an IPv6 address in brackets or without, is reached without a proxy.
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

/// A transport that knows before it sends anything whether a proxy would read what goes to a host in plaintext.
///
/// What keeps it from being sent is ``TransportRequest/allowsPlaintextProxy``, which reaches the transport through every
/// other one around it. This is for finding it out early.
package protocol ProxiedTransport: HTTPTransport {
    /// The proxy through which plaintext for `origin` would go, as a message shows it, or `nil`.
    func plaintextProxy(for origin: String) -> String?
}
