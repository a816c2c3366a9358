import HTTPTypes
import StacksTransport

/// Refuses requests that a web page makes a browser on this machine send.
///
/// Every open page can reach a server on loopback: by its address, or by a name of the page's own that later resolves to
/// this machine (DNS rebinding), which also lets the page read responses. The browser marks such requests in ways that
/// the page cannot change: `Host`, `Origin`, `Sec-Fetch-Site`, and the content types that a page may send without asking
/// first.
struct RequestGuard: Sendable {
    /// The error that is sent as the response.
    struct Refusal: Error {
        var status: HTTPResponse.Status
        var message: String
    }

    /// `http` or `https`.
    var scheme: String
    /// Accepted hosts besides those of loopback, in lowercase.
    var names: Set<String>

    init(scheme: String, names: [String]) {
        self.scheme = scheme
        self.names = Set(names.map { $0.lowercased() })
    }

    /// Checks the source of a request, for the API as well as for the control endpoints: the default token is no secret.
    func check(_ request: HTTPRequest) throws(Refusal) {
        let hosts = [request.authority ?? ""] + request.headerFields[values: Self.host]
        for host in hosts where !isOwn(host) {
            throw forbidden(
                "The Host \(shown(host)) is not accepted: this simulator serves localhost, 127.0.0.1, [::1], and the "
                    + "names that --allowed-host adds.")
        }
        for origin in request.headerFields[values: .origin]
        where origin.lowercased() != "\(scheme)://\(hosts[0].lowercased())" {
            throw forbidden(
                "The Origin \(shown(origin)) is another site: this simulator refuses requests from web pages.")
        }
        for site in request.headerFields[values: Self.site] where site != "same-origin" && site != "none" {
            throw forbidden(
                "This request comes from a page of another site (Sec-Fetch-Site: \(shown(site))) and is refused.")
        }
    }

    /// Checks that the body of a request to the control endpoints is declared as JSON, which a page of another site cannot
    /// send.
    func checkContent(of request: HTTPRequest, isEmpty: Bool) throws(Refusal) {
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

    /// Whether an authority names this machine. The port does not matter: a tunnel may have another one, and a page
    /// cannot choose the host.
    private func isOwn(_ authority: String) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        // Addresses of 127.0.0.0/8, in the only form that browsers send.
        let isLoopback = HostAddress.dottedIPv4(host).map { $0 >> 24 == 127 } ?? false
        return host == "localhost" || host == "[::1]" || isLoopback || names.contains(host)
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
