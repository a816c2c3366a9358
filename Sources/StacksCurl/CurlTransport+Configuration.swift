import StacksTransport

extension CurlTransport {
    /// How a ``CurlTransport`` connects. Each property names the libcurl option behind it, which
    /// <https://curl.se/libcurl/c/easy_setopt_options.html> documents.
    public struct Configuration: Sendable {
        /// The version of HTTP.
        public struct HTTPVersion: Sendable, Hashable {
            enum Wrapped { case automatic, http1_1 }
            let wrapped: Wrapped

            /// HTTP/2 if the server agrees to it in the TLS handshake (ALPN), otherwise HTTP/1.1, also over plaintext.
            public static let automatic = HTTPVersion(wrapped: .automatic)
            /// Always HTTP/1.1, with one call at a time on each connection.
            public static let http1_1 = HTTPVersion(wrapped: .http1_1)
        }

        /// The proxy to use.
        public struct Proxy: Sendable, Hashable {
            enum Wrapped: Hashable { case environment, none, url(String, exceptFor: [String]) }
            let wrapped: Wrapped

            /// The proxy of `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, as curl reads them. A host on loopback
            /// needs none: a proxy would reach its own loopback instead.
            public static let environment = Proxy(wrapped: .environment)
            /// No proxy, even if the environment names one.
            public static let none = Proxy(wrapped: .none)

            /// The proxy at `url`, such as `http://user:password@proxy.example:3128`. HTTPS goes through it in a tunnel
            /// (`CONNECT`), so that the proxy never sees a call's credentials.
            ///
            /// - Parameters:
            ///   - url: The proxy's URL; the scheme is `http` if there is none.
            ///   - hosts: Hosts to reach without the proxy; a leading dot means all subdomains.
            public static func url(_ url: String, exceptFor hosts: [String] = []) -> Proxy {
                Proxy(wrapped: .url(url, exceptFor: hosts))
            }
        }

        /// The source of the certificate authorities that a server's certificate is checked against.
        public struct CertificateAuthorities: Sendable, Hashable {
            enum Wrapped: Hashable { case system, file(String), pem([UInt8]) }
            let wrapped: Wrapped

            /// The authorities that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, or else those that libcurl was built with,
            /// usually the system's. Each of the two variables replaces its own part, the file or the directory, as with
            /// curl; they are read when the transport is made.
            public static let system = CertificateAuthorities(wrapped: .system)
            /// Only the authorities in a PEM file (`CURLOPT_CAINFO`).
            public static func file(_ path: String) -> CertificateAuthorities {
                CertificateAuthorities(wrapped: .file(path))
            }
            /// Only the authorities in a PEM text (`CURLOPT_CAINFO_BLOB`).
            public static func pem(_ text: String) -> CertificateAuthorities {
                CertificateAuthorities(wrapped: .pem(Array(text.utf8)))
            }
        }

        /// A certificate that identifies the client to the server.
        public struct ClientCertificate: Sendable, Hashable {
            /// The certificate's file in PEM format (`CURLOPT_SSLCERT`).
            public var certificateFile: String
            /// The private key's file in PEM format (`CURLOPT_SSLKEY`).
            public var privateKeyFile: String
            /// The password of the key (`CURLOPT_KEYPASSWD`), or `nil`.
            public var privateKeyPassword: String?

            /// A certificate and its key.
            public init(certificateFile: String, privateKeyFile: String, privateKeyPassword: String? = nil) {
                self.certificateFile = certificateFile
                self.privateKeyFile = privateKeyFile
                self.privateKeyPassword = privateKeyPassword
            }
        }

        /// The time limit for the name look-up, the connection and the TLS handshake together. 10 s by default: libcurl's
        /// own 300 s would outlast most deadlines (`CURLOPT_CONNECTTIMEOUT_MS`).
        public var connectTimeout: Duration = .seconds(10)

        /// The time limit for a call without its own deadline, including the wait for a free stream. 60 s by default: four
        /// times the slowest expected response of a Buildkite endpoint.
        public var requestTimeout: Duration = .seconds(60)

        /// How long a connection may be idle and still be reused. 60 s by default, less than most load balancers allow, so
        /// that a call rarely finds a closed one (`CURLOPT_MAXAGE_CONN`).
        public var maximumIdleTime: Duration = .seconds(60)

        /// The age at which a new connection replaces one. 10 min by default, so that a change of the server's address is
        /// noticed (`CURLOPT_MAXLIFETIME_CONN`).
        public var maximumConnectionLifetime: Duration = .seconds(600)

        /// The maximum number of connections to one host. 8 by default. Over HTTP/1.1 it also limits the calls at a time;
        /// the rest wait (`CURLMOPT_MAX_HOST_CONNECTIONS`).
        public var maximumConnectionsPerHost: Int = 8

        /// The maximum number of HTTP/2 streams at a time on a connection, and of calls in flight to one host; the rest
        /// wait. 100 by default, the minimum that RFC 9113 recommends to servers (`CURLMOPT_MAX_CONCURRENT_STREAMS`).
        public var maximumConcurrentStreams: Int = 100

        /// The version of HTTP (`CURLOPT_HTTP_VERSION`).
        public var httpVersion: HTTPVersion = .automatic

        /// Whether `http://` URLs are accepted. True by default, because the client decides whether a credential may travel
        /// in plaintext; false makes every plaintext request fail (`CURLOPT_PROTOCOLS_STR`).
        public var allowsPlaintext: Bool = true

        /// The proxy to use; the environment's by default (`CURLOPT_PROXY`, `CURLOPT_NOPROXY`).
        public var proxy: Proxy = .environment

        /// The authorities that a server's certificate is checked against; the environment's or the system's by default.
        public var certificateAuthorities: CertificateAuthorities = .system

        /// What `.system` reads from the environment; set when a transport is made.
        var trustEnvironment = TrustEnvironment()

        /// What an error about an untrusted certificate says about trusting other authorities.
        package var trustAdvice = "set certificateAuthorities to trust other authorities"

        /// A certificate that identifies the client, or `nil`, the default.
        public var clientCertificate: ClientCertificate?

        /// Public keys of which the server must have one, in addition to a valid certificate: `sha256//` and the key's hash
        /// in Base64, separated by semicolons; `nil`, the default, accepts any (`CURLOPT_PINNEDPUBLICKEY`).
        public var pinnedPublicKey: String?

        /// A local socket to connect to instead of the URL's host, or `nil`, the default (`CURLOPT_UNIX_SOCKET_PATH`).
        public var unixSocketPath: String?

        /// The maximum size of a response's body, in bytes after decompression. 16 MiB by default, sixteen times the
        /// longest response of the API.
        public var maximumResponseSize: Int = 16 * 1024 * 1024

        /// Whether to request compressed responses. True by default: a list shrinks to about a tenth
        /// (`CURLOPT_ACCEPT_ENCODING`).
        public var acceptsCompression: Bool = true

        /// The idle time before the system sends a keep-alive probe, and the interval between probes; `nil` turns probes
        /// off. 15 s by default (`CURLOPT_TCP_KEEPALIVE`, `CURLOPT_TCP_KEEPIDLE`).
        public var tcpKeepAlive: Duration? = .seconds(15)

        /// The defaults.
        public init() {}
    }
}

extension CurlTransport.Configuration {
    /// Checks every value.
    ///
    /// - Throws: `ConfigurationError` with the first invalid value and its limit.
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
                throw ConfigurationError("the CA text contains no certificate in PEM format")
            }
        }
        if let clientCertificate {
            _ = try ConfiguredFile.content(of: "the client certificate", clientCertificate.certificateFile)
            _ = try ConfiguredFile.content(of: "the client certificate's key", clientCertificate.privateKeyFile)
        }
        if let pinnedPublicKey, !pinnedPublicKey.hasPrefix("sha256//") {
            throw ConfigurationError("pinnedPublicKey is \"\(pinnedPublicKey)\": it must start with sha256//")
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

    /// - Parameter what: The file's name in messages.
    private static func check(_ what: String, _ path: String) throws(ConfigurationError) {
        guard holdsCertificate(try ConfiguredFile.content(of: what, path)) else {
            throw ConfigurationError("\(what) \(path) contains no certificate in PEM format")
        }
    }

    private static func check(proxy url: String) throws(ConfigurationError) {
        if url.isEmpty { throw ConfigurationError("the proxy's URL is empty: use .none for no proxy") }
        let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]
        let parts = url.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        let isKnown = parts.count < 2 || schemes.contains(parts[0].lowercased())
        // The text before an at sign may be a password, so messages do not repeat the value. An at sign after the
        // authority means that the password contains a slash or the like, and libcurl would take a part of it as the host.
        let authority = (parts.last ?? "").prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let isWhole = authority.contains("@") || !url.contains("@")
        guard isKnown, isWhole, !ShownURL.authority(url).isEmpty, url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else {
            throw ConfigurationError(
                "the proxy's URL is malformed: write it like http://proxy.example:3128, without spaces, with user and "
                    + "password percent-encoded, and with one of the schemes \(schemes.joined(separator: ", "))")
        }
    }

    private static func holdsCertificate(_ text: [UInt8]) -> Bool {
        // Also "BEGIN TRUSTED CERTIFICATE", OpenSSL's own form.
        let text = String(decoding: text, as: UTF8.self)
        return text.contains("-----BEGIN CERTIFICATE-----") || text.contains("-----BEGIN TRUSTED CERTIFICATE-----")
    }
}

extension CurlTransport.Configuration.Proxy {
    /// The proxy's host and port for a message, or `nil` if the configuration names none.
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
    /// The proxy, without user and password.
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
