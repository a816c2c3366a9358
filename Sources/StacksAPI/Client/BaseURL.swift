/// Where the API is, taken apart once: what stays the same from call to call, and what paths begin with.
struct BaseURL: Sendable, Equatable, CustomStringConvertible {
    /// Scheme, host and port, in lowercase and without a default port.
    let origin: String
    /// The base's own path, with a slash at both ends.
    let pathPrefix: String
    /// The host, in lowercase, an IPv6 address without brackets.
    let host: String
    /// The port, the scheme's own when none was given.
    let port: Int

    var description: String { origin + pathPrefix }

    /// Whether the path ends in the API's version, as that of every real one does.
    var endsWithVersion: Bool { pathPrefix.hasSuffix("/v3/") }

    /// - Throws: ``StacksAPIError/Code/invalidArgument`` with what is wrong.
    init(_ text: String, allowsInsecureHTTP: Bool) throws(StacksAPIError) {
        func failure(_ problem: String) -> StacksAPIError {
            Argument.failure("The base URL \(Self.shown(text)) \(problem)", for: nil)
        }
        if text.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == UInt8(ascii: "\\") }) {
            throw failure("holds a space, a control character or another character that no URL has.")
        }
        guard let colon = text.firstRange(of: "://") else {
            throw failure("has no scheme: it begins with https:// or http://.")
        }
        let scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else {
            throw failure("has a scheme that is neither https nor http.")
        }
        if text.contains("?") || text.contains("#") { throw failure("has a query or a fragment: leave it out.") }
        let rest = text[colon.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        if authority.contains("@") { throw failure("has user info: the token goes into a header of its own.") }
        let host: Host
        do { host = try Host(authority) } catch { throw failure(error.problem) }
        if let problem = Self.problem(ofPath: rest[authority.endIndex...]) { throw failure(problem) }
        if scheme == "http", !host.isLoopback, !allowsInsecureHTTP {
            throw failure(
                "would send the token in plaintext to a host that is not loopback. Use https, or allow "
                    + "insecure HTTP explicitly when that is what you want.")
        }
        let port = host.port == (scheme == "https" ? 443 : 80) ? nil : host.port
        origin = "\(scheme)://\(host.name)" + (port.map { ":\($0)" } ?? "")
        let path = rest[authority.endIndex...]
        pathPrefix = path.isEmpty ? "/" : path.hasSuffix("/") ? String(path) : "\(path)/"
        self.host = String(host.name.drop { $0 == "[" }.prefix { $0 != "]" })
        self.port = host.port ?? (scheme == "https" ? 443 : 80)
    }

    private static func problem(ofPath path: Substring) -> String? {
        for segment in path.split(separator: "/") where segment == "." || segment == ".." {
            return "has a path with the segment \"\(segment)\"."
        }
        let isPathByte: (UInt8) -> Bool = { byte in
            PercentEncoding.isKeyByte(byte) || "/.~!$&'()*+,;=:@%".utf8.contains(byte)
        }
        return path.utf8.allSatisfy(isPathByte) ? nil : "has a path with a character that has to be percent-encoded."
    }

    /// The URL as an error shows it: without what can be a password.
    private static func shown(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@") else { return Argument.quoted(text) }
        let scheme = text.firstRange(of: "://").map { text[..<$0.upperBound] } ?? ""
        return Argument.quoted("\(scheme)\(Secret.placeholder)\(text[at...])")
    }
}

/// The host and port of a URL.
private struct Host {
    struct Invalid: Error { let problem: String }

    let name: String
    let port: Int?
    let isLoopback: Bool

    init(_ authority: Substring) throws(Invalid) {
        let host: Substring
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { throw Invalid(problem: "has a [ without a ].") }
            host = authority[...bracket]
            let rest = authority[authority.index(after: bracket)...]
            if rest.hasPrefix(":") {
                port = rest.dropFirst()
            } else if !rest.isEmpty {
                throw Invalid(problem: "has something between its host and its path.")
            }
        } else {
            host = authority.prefix { $0 != ":" }
            if host.endIndex != authority.endIndex { port = authority[host.endIndex...].dropFirst() }
        }
        self.port = try port.map { (text) throws(Invalid) in
            guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = Int(text), (1...65_535).contains(port)
            else { throw Invalid(problem: "has the port \"\(text)\"; ports are 1 to 65535.") }
            return port
        }
        name = host.lowercased()
        if name.hasPrefix("[") {
            guard let groups = IPv6Text.groups(name.dropFirst().dropLast()) else {
                throw Invalid(problem: "has a host that is no IPv6 address.")
            }
            isLoopback = groups == [0, 0, 0, 0, 0, 0, 0, 1]
        } else {
            if name.isEmpty { throw Invalid(problem: "has no host.") }
            guard name.utf8.allSatisfy({ PercentEncoding.isKeyByte($0) || $0 == UInt8(ascii: ".") }) else {
                throw Invalid(problem: "has a host with other characters than letters, digits, '-', '_' and '.'.")
            }
            isLoopback = name == "localhost" || Self.isIPv4Loopback(name)
        }
    }

    /// Whether it is one of 127.0.0.0/8 in full form. Anything shorter may be read otherwise by a resolver.
    private static func isIPv4Loopback(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "127" else { return false }
        return parts.allSatisfy { part in
            (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
                && (UInt8(part) != nil) && (part.utf8.count == 1 || part.first != "0")
        }
    }
}

/// Reads an IPv6 address in its text form (<https://www.rfc-editor.org/rfc/rfc4291#section-2.2>).
private enum IPv6Text {
    /// The eight groups, or `nil` when the text is no address. A tail in IPv4's form is not taken.
    static func groups(_ text: Substring) -> [UInt16]? {
        guard let gap = text.firstRange(of: "::") else {
            guard let groups = list(text), groups.count == 8 else { return nil }
            return groups
        }
        guard let head = list(text[..<gap.lowerBound]), let tail = list(text[gap.upperBound...]),
            head.count + tail.count < 8
        else { return nil }
        return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    private static func list(_ text: Substring) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        for part in text.split(separator: ":", omittingEmptySubsequences: false) {
            guard (1...4).contains(part.utf8.count), part.first != "+", let group = UInt16(part, radix: 16) else {
                return nil
            }
            groups.append(group)
        }
        return groups
    }
}
