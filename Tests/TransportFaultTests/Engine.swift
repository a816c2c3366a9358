import FaultServer
import StacksCurl
import StacksTransport
import StacksURLSession
import Testing

/// A transport with the HTTP version that it uses.
enum Engine: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case curlOverHTTP1 = "libcurl, HTTP/1.1"
    case curlOverHTTP2 = "libcurl, TLS and HTTP/2"
    case urlSession = "URLSession, HTTP/1.1"

    static let curl: [Engine] = [.curlOverHTTP1, .curlOverHTTP2]
    static let overHTTP1: [Engine] = [.curlOverHTTP1, .urlSession]

    var testDescription: String { rawValue }

    /// How the server must listen. URLSession cannot trust the tests' authority, so it uses no TLS.
    var security: ScriptedServer.Security {
        self == .curlOverHTTP2 ? .tls(.valid, protocols: ["h2", "http/1.1"]) : .plaintext
    }

    /// Creates a transport, passes it to `body`, and shuts it down.
    ///
    /// - Parameter limit: The largest body that it accepts.
    func withTransport<Result>(
        limit: Int = 16 << 20, _ body: (any HTTPTransport) async throws -> Result
    ) async throws -> Result {
        switch self {
        case .curlOverHTTP1, .curlOverHTTP2:
            var configuration = CurlTransport.Configuration.forTests
            configuration.maximumResponseSize = limit
            return try await withCurlTransport(configuration: configuration) { try await body($0) }
        case .urlSession:
            var configuration = URLSessionTransport.Configuration()
            configuration.requestTimeout = .unreached
            configuration.maximumResponseSize = limit
            return try await withURLSessionTransport(configuration: configuration) { try await body($0) }
        }
    }
}

extension CurlTransport.Configuration {
    /// Trusts the tests' authority, ignores the environment's proxy, and has no timeouts but a call's own deadline, so that
    /// only the deadline can end a call.
    static var forTests: CurlTransport.Configuration {
        var configuration = CurlTransport.Configuration()
        configuration.proxy = .none
        configuration.requestTimeout = .unreached
        configuration.connectTimeout = .unreached
        configuration.certificateAuthorities = .pem(ServedCertificate.valid.authority)
        return configuration
    }
}
