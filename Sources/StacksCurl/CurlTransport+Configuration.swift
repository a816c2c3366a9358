import StacksTransport

extension CurlTransport {
    /// How a ``CurlTransport`` connects. Each property names the libcurl option behind it, which
    /// <https://curl.se/libcurl/c/easy_setopt_options.html> documents.
    public struct Configuration: Sendable {
        /// Which version of HTTP is spoken.
        public struct HTTPVersion: Sendable, Hashable {
            enum Wrapped { case automatic, http1_1 }
            let wrapped: Wrapped

            /// HTTP/2 where the server agrees to it in the TLS handshake (ALPN), HTTP/1.1 otherwise and over plaintext.
            public static let automatic = HTTPVersion(wrapped: .automatic)
            /// HTTP/1.1 always: one call at a time on each connection.
            public static let http1_1 = HTTPVersion(wrapped: .http1_1)
        }

        /// Which proxy is used.
        public struct Proxy: Sendable, Hashable {
            enum Wrapped: Hashable { case environment, none, url(String, exceptFor: [String]) }
            let wrapped: Wrapped

            /// What `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` say, as curl reads them. A host on loopback is
            /// reached without: a proxy could only reach its own.
            public static let environment = Proxy(wrapped: .environment)
            /// None, whatever the environment says.
            public static let none = Proxy(wrapped: .none)

            /// The proxy at `url`, `http://user:password@proxy.example:3128` for example. HTTPS goes through it in a
            /// tunnel (`CONNECT`), so that it never sees the credentials of a call.
            ///
            /// - Parameters:
            ///   - url: Where the proxy is; without a scheme it is one of `http`.
            ///   - hosts: Names of hosts that are reached without it; a leading dot means every host below.
            public static func url(_ url: String, exceptFor hosts: [String] = []) -> Proxy {
                Proxy(wrapped: .url(url, exceptFor: hosts))
            }
        }

        /// Where the certificate authorities come from that a server's certificate is checked against.
        public struct CertificateAuthorities: Sendable, Hashable {
            enum Wrapped: Hashable { case system, file(String), pem([UInt8]) }
            let wrapped: Wrapped

            /// Those that the environment names in `SSL_CERT_FILE` and `SSL_CERT_DIR`, or else those that libcurl was
            /// built with, the system's usually. Each of the two variables replaces its own part, the file or the directory,
            /// as with curl; they are read when the transport is made.
            public static let system = CertificateAuthorities(wrapped: .system)
            /// Those in a file in PEM format, and no others (`CURLOPT_CAINFO`).
            public static func file(_ path: String) -> CertificateAuthorities {
                CertificateAuthorities(wrapped: .file(path))
            }
            /// Those in a text in PEM format, and no others (`CURLOPT_CAINFO_BLOB`).
            public static func pem(_ text: String) -> CertificateAuthorities {
                CertificateAuthorities(wrapped: .pem(Array(text.utf8)))
            }
        }

        /// A certificate with which this side identifies itself to the server.
        public struct ClientCertificate: Sendable, Hashable {
            /// The certificate's file in PEM format (`CURLOPT_SSLCERT`).
            public var certificateFile: String
            /// The private key's file in PEM format (`CURLOPT_SSLKEY`).
            public var privateKeyFile: String
            /// What the key is encrypted with (`CURLOPT_KEYPASSWD`), or `nil`.
            public var privateKeyPassword: String?

            /// A certificate and its key.
            public init(certificateFile: String, privateKeyFile: String, privateKeyPassword: String? = nil) {
                self.certificateFile = certificateFile
                self.privateKeyFile = privateKeyFile
                self.privateKeyPassword = privateKeyPassword
            }
        }

        /// The longest that resolving, connecting and the TLS handshake may take together. 10 s by default: libcurl's
        /// own 300 s would outlast most deadlines (`CURLOPT_CONNECTTIMEOUT_MS`).
        public var connectTimeout: Duration = .seconds(10)

        /// The longest that a call without a deadline of its own may take, waiting for a free stream included.
        /// 60 s by default: four times the slowest answer a Buildkite endpoint is expected to give.
        public var requestTimeout: Duration = .seconds(60)

        /// How long a connection may lie idle and still be used. 60 s by default, under what load balancers commonly
        /// allow, so that a call rarely meets one that was closed meanwhile (`CURLOPT_MAXAGE_CONN`).
        public var maximumIdleTime: Duration = .seconds(60)

        /// How old a connection may become before a new one replaces it. 10 min by default, so that a change of the
        /// server's address is noticed (`CURLOPT_MAXLIFETIME_CONN`).
        public var maximumConnectionLifetime: Duration = .seconds(600)

        /// The most connections to one host. 8 by default. Over HTTP/1.1 it is also the most calls at a time; the rest
        /// wait their turn (`CURLMOPT_MAX_HOST_CONNECTIONS`).
        public var maximumConnectionsPerHost: Int = 8

        /// The most HTTP/2 streams at a time on a connection, and the most calls in flight to one host; the rest wait
        /// their turn. 100 by default, the least that RFC 9113 recommends servers to allow
        /// (`CURLMOPT_MAX_CONCURRENT_STREAMS`).
        public var maximumConcurrentStreams: Int = 100

        /// Which version of HTTP is spoken (`CURLOPT_HTTP_VERSION`).
        public var httpVersion: HTTPVersion = .automatic

        /// Whether `http://` URLs are accepted at all. True by default, because whether a credential may travel in the
        /// clear is for the client above to decide; false makes every plaintext request fail
        /// (`CURLOPT_PROTOCOLS_STR`).
        public var allowsPlaintext: Bool = true

        /// Which proxy is used; the environment's by default (`CURLOPT_PROXY`, `CURLOPT_NOPROXY`).
        public var proxy: Proxy = .environment

        /// What a server's certificate is checked against; the environment's or the system's authorities by default.
        public var certificateAuthorities: CertificateAuthorities = .system

        /// What `.system` takes from the environment; filled in when a transport is made.
        var trustEnvironment = TrustEnvironment()

        /// What an error says about a certificate that nobody vouches for: how other authorities are given.
        package var trustAdvice = "certificateAuthorities of the configuration names other authorities"

        /// A certificate with which this side identifies itself, or `nil`, the default.
        public var clientCertificate: ClientCertificate?

        /// Public keys one of which the server must have, besides a valid certificate: `sha256//` and the key's hash in
        /// Base64, several separated by semicolons; `nil`, the default, accepts any (`CURLOPT_PINNEDPUBLICKEY`).
        public var pinnedPublicKey: String?

        /// A local socket that is connected to instead of the URL's host, or `nil`, the default
        /// (`CURLOPT_UNIX_SOCKET_PATH`).
        public var unixSocketPath: String?

        /// The longest body that is accepted, in bytes after decompression. 16 MiB by default, sixteen times the
        /// longest answer of the API.
        public var maximumResponseSize: Int = 16 * 1024 * 1024

        /// Whether compressed answers are asked for. True by default: a listing shrinks to about a tenth
        /// (`CURLOPT_ACCEPT_ENCODING`).
        public var acceptsCompression: Bool = true

        /// After how much silence the system probes whether the other side is still there, and how far apart the probes
        /// are; `nil` turns probing off. 15 s by default (`CURLOPT_TCP_KEEPALIVE`, `CURLOPT_TCP_KEEPIDLE`).
        public var tcpKeepAlive: Duration? = .seconds(15)

        /// The defaults.
        public init() {}
    }
}

extension CurlTransport.Configuration {
    /// Refuses what cannot work, naming the value and its limit.
    func validate() throws(ConfigurationError) {
        try Self.check("connectTimeout", connectTimeout, isFrom: .milliseconds(1), to: .seconds(3600))
        try Self.check("requestTimeout", requestTimeout, isFrom: .milliseconds(1), to: .seconds(86400))
        try Self.check("maximumIdleTime", maximumIdleTime, isFrom: .seconds(1), to: .seconds(86400))
        try Self.check("maximumConnectionLifetime", maximumConnectionLifetime, isFrom: .seconds(1), to: .seconds(86400))
        try Self.check("maximumConnectionsPerHost", maximumConnectionsPerHost, isFrom: 1, to: 1024)
        try Self.check("maximumConcurrentStreams", maximumConcurrentStreams, isFrom: 1, to: 10_000)
        try Self.check("maximumResponseSize", maximumResponseSize, isFrom: 1, to: 1 << 30)
        if let tcpKeepAlive { try Self.check("tcpKeepAlive", tcpKeepAlive, isFrom: .seconds(1), to: .seconds(86400)) }
        switch certificateAuthorities.wrapped {
        case .system:
            if let file = trustEnvironment.certificateFile { try Self.check("SSL_CERT_FILE's CA file", file) }
        case .file(let path):
            try Self.check("the CA file", path)
        case .pem(let text):
            guard Self.holdsCertificate(text) else {
                throw ConfigurationError("the CA text holds no certificate in PEM format")
            }
        }
        if let clientCertificate {
            _ = try ConfiguredFile.content(of: "the client certificate", clientCertificate.certificateFile)
            _ = try ConfiguredFile.content(of: "the client certificate's key", clientCertificate.privateKeyFile)
        }
        if let pinnedPublicKey, !pinnedPublicKey.hasPrefix("sha256//") {
            throw ConfigurationError("pinnedPublicKey is \"\(pinnedPublicKey)\": it must begin with sha256//")
        }
        if case .url(let url, _) = proxy.wrapped { try Self.check(proxy: url) }
    }

    private static func check<Value: Comparable>(
        _ name: String, _ value: Value, isFrom least: Value, to most: Value
    ) throws(ConfigurationError) {
        guard value >= least, value <= most else {
            throw ConfigurationError("\(name) is \(value): it must be from \(least) to \(most)")
        }
    }

    /// - Parameter what: What a message calls the file.
    private static func check(_ what: String, _ path: String) throws(ConfigurationError) {
        guard holdsCertificate(try ConfiguredFile.content(of: what, path)) else {
            throw ConfigurationError("\(what) \(path) holds no certificate in PEM format")
        }
    }

    private static func check(proxy url: String) throws(ConfigurationError) {
        if url.isEmpty { throw ConfigurationError("the proxy's URL is empty: use .none for no proxy") }
        let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]
        let parts = url.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        let isKnown = parts.count < 2 || schemes.contains(parts[0].lowercased())
        // What stands before an at sign may be a password, so that the value is not repeated. One behind the authority
        // means that the password holds a slash or the like, and that libcurl would take a part of it for the host.
        let authority = (parts.last ?? "").prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let isWhole = authority.contains("@") || !url.contains("@")
        guard isKnown, isWhole, !ShownURL.authority(url).isEmpty, url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else {
            throw ConfigurationError(
                "the proxy's URL is malformed: it must be like http://proxy.example:3128, without spaces, with its user "
                    + "and password percent-encoded, and its scheme one of \(schemes.joined(separator: ", "))")
        }
    }

    private static func holdsCertificate(_ text: [UInt8]) -> Bool {
        // Also "BEGIN TRUSTED CERTIFICATE", OpenSSL's own form.
        let text = String(decoding: text, as: UTF8.self)
        return text.contains("-----BEGIN CERTIFICATE-----") || text.contains("-----BEGIN TRUSTED CERTIFICATE-----")
    }
}

extension CurlTransport.Configuration.Proxy {
    /// The proxy's host and port for a message, or `nil` when the configuration names none.
    var shownName: String? {
        guard case .url(let url, _) = wrapped else { return nil }
        return ShownURL.authority(url)
    }

    /// Whether requests to `origin` go through a proxy that the configuration names.
    func isConfigured(for origin: String) -> Bool {
        guard case .url(_, let hosts) = wrapped else { return false }
        return !ProxyExceptions(hosts.joined(separator: ",")).names(HostAddress.host(of: origin))
    }
}

extension CurlTransport.Configuration.Proxy: CustomStringConvertible, CustomReflectable {
    /// Which proxy, without a user's name and password.
    public var description: String {
        switch wrapped {
        case .environment: "the environment's"
        case .none: "none"
        case .url: shownName ?? ""
        }
    }

    /// Shows the description alone, so that a dump reveals no password.
    public var customMirror: Mirror { Mirror(self, children: ["proxy": description]) }
}

extension CurlTransport.Configuration.ClientCertificate: CustomStringConvertible, CustomReflectable {
    /// The certificate's file.
    public var description: String { certificateFile }

    /// Shows the files alone, so that a dump reveals no password.
    public var customMirror: Mirror {
        Mirror(self, children: ["certificateFile": certificateFile, "privateKeyFile": privateKeyFile])
    }
}
