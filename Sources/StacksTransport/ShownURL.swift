/// URLs for messages, without the parts that may contain secrets.
package enum ShownURL {
    /// Scheme, host, port and path. Everything before the last `@`, the query and the fragment are redacted, also in text
    /// that is not a URL.
    package static func text(_ url: String) -> String {
        let (scheme, rest) = parts(of: url)
        let query = rest.firstIndex { $0 == "?" || $0 == "#" }
        guard let at = rest.lastIndex(of: "@") else {
            return scheme + rest[..<(query ?? rest.endIndex)] + (query == nil ? "" : "?…")
        }
        // A password may contain the character that begins a query. Then its end is ambiguous.
        if let query, query < at, rest[at...].contains(where: { $0 == "&" || $0 == "=" }) {
            return scheme + placeholder
        }
        let shown = rest[at...].prefix { $0 != "?" && $0 != "#" }
        return scheme + placeholder + shown + (shown.endIndex == rest.endIndex ? "" : "?…")
    }

    /// Host and port only: how messages name a proxy.
    package static func authority(_ url: String) -> String {
        let (_, rest) = parts(of: url)
        let host = rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest
        return String(host.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
    }

    private static let placeholder = "[redacted]"

    private static func parts(of url: String) -> (scheme: String, rest: Substring) {
        guard let colon = url.firstRange(of: "://") else { return ("", url[...]) }
        let scheme = url[..<colon.lowerBound]
        // The text before `://` may be part of a password: accept only what has the form and length of a scheme.
        guard (1...8).contains(scheme.utf8.count),
            scheme.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A })
        else { return ("", url[...]) }
        return (String(url[..<colon.upperBound]), url[colon.upperBound...])
    }
}
