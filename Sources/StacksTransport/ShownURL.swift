/// A URL as a message shows it: where it leads, and nothing that may be a secret.
package enum ShownURL {
    /// Scheme, host, port and path, without what stands before the last `@`, whatever that is, and without query and
    /// fragment. Of a text that is no URL, as much is hidden.
    package static func text(_ url: String) -> String {
        let (scheme, rest) = parts(of: url)
        let query = rest.firstIndex { $0 == "?" || $0 == "#" }
        guard let at = rest.lastIndex(of: "@") else {
            return scheme + rest[..<(query ?? rest.endIndex)] + (query == nil ? "" : "?…")
        }
        // A password may hold what begins a query. Then nobody can tell where it ends.
        if let query, query < at, rest[at...].contains(where: { $0 == "&" || $0 == "=" }) {
            return scheme + placeholder
        }
        let shown = rest[at...].prefix { $0 != "?" && $0 != "#" }
        return scheme + placeholder + shown + (shown.endIndex == rest.endIndex ? "" : "?…")
    }

    /// The same of host and port alone: what a proxy is called by.
    package static func authority(_ url: String) -> String {
        let (_, rest) = parts(of: url)
        let host = rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest
        return String(host.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
    }

    private static let placeholder = "[redacted]"

    private static func parts(of url: String) -> (scheme: String, rest: Substring) {
        guard let colon = url.firstRange(of: "://") else { return ("", url[...]) }
        let scheme = url[..<colon.lowerBound]
        // What stands there may be anything: of a scheme it has the form and the length.
        guard (1...8).contains(scheme.utf8.count),
            scheme.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A })
        else { return ("", url[...]) }
        return (String(url[..<colon.upperBound]), url[colon.upperBound...])
    }
}
