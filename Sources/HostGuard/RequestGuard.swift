package import HTTPTypes
import StacksTransport

/// Refuses requests that a web page makes a browser send to a server that is for people and programs nearby.
///
/// Every open page can reach such a server: by its address, or by a name of the page's own that later resolves to it (DNS
/// rebinding), which also lets the page read responses. The browser marks such requests in ways that the page cannot
/// change: `Host`, `Origin`, `Sec-Fetch-Site`, and the content types that a page may send without asking first.
package struct RequestGuard: Sendable {
    /// The error that is sent as the response.
    package struct Refusal: Error {
        package var status: HTTPResponse.Status
        package var message: String
    }

    /// Which addresses are accepted as a host, besides the names.
    package enum Addresses: Sendable, Hashable {
        /// `localhost` and the addresses of loopback.
        case loopback
        /// Every address, and `localhost`: a page can only make up names.
        case any
        /// None.
        case none
    }

    /// `http` or `https`.
    private let scheme: String
    /// What the messages call the server: `this simulator`.
    private let server: String
    private let addresses: Addresses
    /// Accepted hosts, in lowercase.
    private let names: Set<String>
    /// Those of them that are IPv6 addresses, which have more than one spelling.
    private let groups: Set<[UInt16]>

    package init(scheme: String, server: String, addresses: Addresses = .loopback, names: [String]) {
        self.scheme = scheme
        self.server = server
        self.addresses = addresses
        self.names = Set(names.map { $0.lowercased() })
        groups = Set(names.compactMap { HostAddress.ipv6(Substring($0).trimmingBrackets) })
    }

    /// Checks the source of a request.
    package func check(_ request: HTTPRequest) throws(Refusal) {
        try checkHost(of: request)
        try checkOrigin(of: request)
        try checkSite(of: request)
    }

    /// The same for a server that changes nothing and cannot be framed: a link on another site may lead to it.
    package func checkReading(_ request: HTTPRequest) throws(Refusal) {
        try checkHost(of: request)
        try checkOrigin(of: request)
        if request.headerFields[values: Self.mode] != ["navigate"] { try checkSite(of: request) }
    }

    private func hosts(of request: HTTPRequest) -> [String] {
        [request.authority ?? ""] + request.headerFields[values: Self.host]
    }

    private func checkHost(of request: HTTPRequest) throws(Refusal) {
        for host in hosts(of: request) where !isOwn(host) {
            throw forbidden("The Host \(shown(host)) is not accepted: \(server) serves \(accepted).")
        }
    }

    private func checkOrigin(of request: HTTPRequest) throws(Refusal) {
        let own = "\(scheme)://\(hosts(of: request)[0].lowercased())"
        for origin in request.headerFields[values: .origin] where origin.lowercased() != own {
            throw forbidden(
                "The Origin \(shown(origin)) is another site: \(server) refuses requests from web pages.")
        }
    }

    private func checkSite(of request: HTTPRequest) throws(Refusal) {
        for site in request.headerFields[values: Self.site] where site != "same-origin" && site != "none" {
            throw forbidden(
                "This request comes from a page of another site (Sec-Fetch-Site: \(shown(site))) and is refused.")
        }
    }

    /// Checks that the body of a request that changes something is declared as JSON, which a page of another site cannot
    /// send.
    package func checkContent(of request: HTTPRequest, isEmpty: Bool) throws(Refusal) {
        guard request.method != .get, request.method != .head else { return }
        let types = request.headerFields[values: .contentType]
        if types.isEmpty, isEmpty { return }
        for type in types.isEmpty ? [""] : types where Self.mediaType(type) != "application/json" {
            let given = type.isEmpty ? "untyped" : shown(type)
            throw Refusal(
                status: .unsupportedMediaType,
                message: "The body is \(given): send JSON, with 'Content-Type: application/json'.")
        }
    }

    private func forbidden(_ message: String) -> Refusal { Refusal(status: .forbidden, message: message) }

    private func shown(_ text: String) -> String { "'\(VisibleText.escaped(text, limit: 100))'" }

    // MARK: Names

    private static let host = HTTPField.Name("Host")!
    private static let site = HTTPField.Name("Sec-Fetch-Site")!
    private static let mode = HTTPField.Name("Sec-Fetch-Mode")!

    /// What is accepted, in words.
    private var accepted: String {
        switch addresses {
        case .loopback: "localhost, 127.0.0.1, [::1], and the names that --allowed-host adds"
        case .any: "addresses, localhost, this machine's name, and the names that --allowed-host adds"
        case .none: "\(names.sorted().joined(separator: ", ")), and the names that --allowed-host adds"
        }
    }

    /// Whether an authority names this server. The port does not matter: a tunnel may have another one, and a page cannot
    /// choose the host.
    private func isOwn(_ authority: String) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        if names.contains(host) { return true }
        let address = HostAddress.dottedIPv4(host)
        let groups = host.hasPrefix("[") ? HostAddress.ipv6(Substring(host).trimmingBrackets) : nil
        if let groups, self.groups.contains(groups) { return true }
        switch addresses {
        case .none: return false
        // Addresses of 127.0.0.0/8, in the only form that browsers send.
        case .loopback: return host == "localhost" || host == "[::1]" || address.map { $0 >> 24 == 127 } ?? false
        case .any: return host == "localhost" || address != nil || groups != nil
        }
    }

    /// The host in lowercase, without a final dot; `nil` if this is not an authority.
    private static func host(of authority: String) -> String? {
        let end: String.Index
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            end = authority.index(after: bracket)
        } else {
            end = authority.firstIndex(of: ":") ?? authority.endIndex
        }
        let port = authority[end...]
        guard port.isEmpty || port.first == ":" && port.dropFirst().utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            return nil
        }
        let host = authority[..<end].lowercased()
        return host.hasSuffix(".") ? String(host.dropLast()) : host
    }

    private static func mediaType(_ value: String) -> String {
        let type = value.prefix { $0 != ";" }.lowercased()
        return type.split(separator: " ").joined(separator: " ")
    }
}

extension Substring {
    /// An IPv6 address without the brackets that it has in a URL.
    fileprivate var trimmingBrackets: Substring {
        hasPrefix("[") && hasSuffix("]") ? dropFirst().dropLast() : self
    }
}
