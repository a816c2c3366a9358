import StacksTransport

extension CurlTransport {
    /// How a ``CurlTransport`` connects. Each property names the libcurl option behind it, which
    /// <https://curl.se/libcurl/c/easy_setopt_options.html> documents.
    public struct Configuration: Sendable {
        /// Which versions of HTTP the transport uses.
        public struct HTTPVersion: Sendable, Hashable {
            enum Wrapped { case automatic, http1_1 }
            let wrapped: Wrapped

            /// HTTP/2 if the server negotiates it in the TLS handshake (ALPN); otherwise, and over plaintext, HTTP/1.1.
            public static let automatic = HTTPVersion(wrapped: .automatic)
            /// Always HTTP/1.1, with one call at a time on each connection.
            public static let http1_1 = HTTPVersion(wrapped: .http1_1)
        }

        /// Which proxy the transport uses.
        public struct Proxy: Sendable, Hashable {
            enum Wrapped: Hashable { case environment, none, url(String, exceptFor: [String]) }
            let wrapped: Wrapped

            /// The proxy of `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, read like curl does. Requests to
            /// loopback hosts bypass it, because a proxy would reach its own loopback.
            public static let environment = Proxy(wrapped: .environment)
            /// No proxy, whatever the environment says.
            public static let none = Proxy(wrapped: .none)

            /// The proxy at `url`, `http://user:password@proxy.example:3128` for example. HTTPS uses a tunnel
            /// (`CONNECT`), so that the proxy never sees the credentials of a call.
            ///
            /// - Parameters:
            ///   - url: The URL of the proxy. Without a scheme, it is an `http` proxy.
            ///   - hosts: Names of hosts that bypass the proxy. A leading dot matches all subdomains.
            public static func url(_ url: String, exceptFor hosts: [String] = []) -> Proxy {
                Proxy(wrapped: .url(url, exceptFor: hosts))
            }
        }

        /// The certificate authorities that the transport trusts.
        public struct CertificateAuthorities: Sendable, Hashable {
            enum Wrapped: Hashable { case system, file(String), pem([UInt8]) }
            let wrapped: Wrapped

            /// The authorities in `SSL_CERT_FILE` and `SSL_CERT_DIR`, or else libcurl's defaults, which are usually the
            /// system's. Each variable replaces its part of the defaults, the file or the directory, as with curl. The
            /// transport reads them when it is created.
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

        /// A client certificate, with which the transport identifies itself to the server.
        public struct ClientCertificate: Sendable, Hashable {
            /// The path of the certificate in PEM format (`CURLOPT_SSLCERT`).
            public var certificateFile: String
            /// The path of the private key in PEM format (`CURLOPT_SSLKEY`).
            public var privateKeyFile: String
            /// The password of the private key (`CURLOPT_KEYPASSWD`), or `nil` when it is not encrypted.
            public var privateKeyPassword: String?

            /// A certificate and its private key.
            public init(certificateFile: String, privateKeyFile: String, privateKeyPassword: String? = nil) {
                self.certificateFile = certificateFile
                self.privateKeyFile = privateKeyFile
                self.privateKeyPassword = privateKeyPassword
            }
        }

        /// The timeout for resolving, connecting and the TLS handshake together. Default: 10 s, because libcurl's own
        /// 300 s exceed most deadlines (`CURLOPT_CONNECTTIMEOUT_MS`).
        public var connectTimeout: Duration = .seconds(10)

        /// The timeout for a call without a deadline, including the wait for a free stream. Default: 60 s, four times the
        /// slowest expected response of a Buildkite endpoint.
        public var requestTimeout: Duration = .seconds(60)

        /// How long a connection may be idle and still be reused. Default: 60 s, shorter than the idle timeout of common
        /// load balancers, so that a call rarely gets a closed connection (`CURLOPT_MAXAGE_CONN`).
        public var maximumIdleTime: Duration = .seconds(60)

        /// The age at which a new connection replaces one. Default: 10 min, so that the transport notices a change of the
        /// server's address (`CURLOPT_MAXLIFETIME_CONN`).
        public var maximumConnectionLifetime: Duration = .seconds(600)

        /// The largest number of connections to one host. Default: 8. Over HTTP/1.1, it also limits the calls in flight;
        /// further calls wait (`CURLMOPT_MAX_HOST_CONNECTIONS`).
        public var maximumConnectionsPerHost: Int = 8

        /// The largest number of concurrent HTTP/2 streams on a connection, and of calls in flight to one host; further
        /// calls wait. Default: 100, the smallest limit that RFC 9113 recommends for servers
        /// (`CURLMOPT_MAX_CONCURRENT_STREAMS`).
        public var maximumConcurrentStreams: Int = 100

        /// Which versions of HTTP to use (`CURLOPT_HTTP_VERSION`). Default: HTTP/2 where the server supports it.
        public var httpVersion: HTTPVersion = .automatic

        /// Whether to accept `http://` URLs. Default: true, because the client decides whether credentials may be sent in
        /// plaintext. If false, every plaintext request fails (`CURLOPT_PROTOCOLS_STR`).
        public var allowsPlaintext: Bool = true

        /// Which proxy to use (`CURLOPT_PROXY`, `CURLOPT_NOPROXY`). Default: the environment's.
        public var proxy: Proxy = .environment

        /// Which certificate authorities to trust. Default: the environment's or the system's.
        public var certificateAuthorities: CertificateAuthorities = .system

        /// The environment variables for `.system`, read when a transport is created.
        var trustEnvironment = TrustEnvironment()

        /// Advice that an error about an untrusted certificate ends with: how to trust another authority.
        package var trustAdvice = "set certificateAuthorities of the configuration to trust another authority"

        /// The client certificate, or `nil`, the default.
        public var clientCertificate: ClientCertificate?

        /// The public keys to accept, in addition to a valid certificate: `sha256//` and the Base64 hash of a key, several
        /// separated by semicolons. `nil`, the default, accepts any key (`CURLOPT_PINNEDPUBLICKEY`).
        public var pinnedPublicKey: String?

        /// The path of a Unix domain socket to connect to instead of the URL's host, or `nil`, the default
        /// (`CURLOPT_UNIX_SOCKET_PATH`).
        public var unixSocketPath: String?

        /// The largest accepted body, in bytes after decompression. Default: 16 MiB, sixteen times the largest response of
        /// the API.
        public var maximumResponseSize: Int = 16 * 1024 * 1024

        /// Whether to request compressed responses (`CURLOPT_ACCEPT_ENCODING`). Default: true, which reduces a job listing
        /// to about a tenth.
        public var acceptsCompression: Bool = true

        /// The idle time before TCP keep-alive probes, and the interval between them; `nil` turns them off. Default: 15 s
        /// (`CURLOPT_TCP_KEEPALIVE`, `CURLOPT_TCP_KEEPIDLE`).
        public var tcpKeepAlive: Duration? = .seconds(15)

        /// The defaults.
        public init() {}
    }
}

extension CurlTransport.Configuration {
    /// Checks the configuration. Errors name the value and its limits.
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
            _ = try Self.content(of: "the client certificate", clientCertificate.certificateFile)
            _ = try Self.content(of: "the client certificate's key", clientCertificate.privateKeyFile)
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
            throw ConfigurationError("\(name) is \(value): it must be between \(least) and \(most)")
        }
    }

    /// What a file holds that libcurl will open. It is read before: on a FIFO without a writer, libcurl would block the I/O
    /// thread for ever. The CA bundle of an operating system has about 256 KiB.
    ///
    /// - Parameter what: How a message names the file.
    private static func content(of what: String, _ path: String) throws(ConfigurationError) -> [UInt8] {
        try RegularFile(what, path: path, limit: 16 << 20).bytes()
    }

    /// - Parameter what: How a message names the file.
    private static func check(_ what: String, _ path: String) throws(ConfigurationError) {
        guard holdsCertificate(try content(of: what, path)) else {
            throw ConfigurationError("\(what) \(path) contains no certificate in PEM format")
        }
    }

    private static func check(proxy url: String) throws(ConfigurationError) {
        if url.isEmpty { throw ConfigurationError("the proxy URL is empty: use .none for no proxy") }
        let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]
        let parts = url.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        let isKnown = parts.count < 2 || schemes.contains(parts[0].lowercased())
        // The message does not repeat the URL, which may contain a password. An at sign after the authority means that the
        // password contains a slash or the like, so that libcurl would take a part of it for the host.
        let authority = (parts.last ?? "").prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let isWhole = authority.contains("@") || !url.contains("@")
        guard isKnown, isWhole, !ShownURL.authority(url).isEmpty, url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else {
            throw ConfigurationError(
                "the proxy URL is malformed: it must look like http://proxy.example:3128, without spaces, with user name "
                    + "and password percent-encoded, and with one of the schemes \(schemes.joined(separator: ", "))")
        }
    }

    private static func holdsCertificate(_ text: [UInt8]) -> Bool {
        // "BEGIN TRUSTED CERTIFICATE" is OpenSSL's own form.
        let text = String(decoding: text, as: UTF8.self)
        return text.contains("-----BEGIN CERTIFICATE-----") || text.contains("-----BEGIN TRUSTED CERTIFICATE-----")
    }
}

extension CurlTransport.Configuration.Proxy {
    /// The proxy's host and port for a message, or `nil` when the configuration has no proxy of its own.
    var shownName: String? {
        guard case .url(let url, _) = wrapped else { return nil }
        return ShownURL.authority(url)
    }

    /// Whether requests to `origin` use the configuration's own proxy.
    func isConfigured(for origin: String) -> Bool {
        guard case .url(_, let hosts) = wrapped else { return false }
        return !ProxyExceptions(hosts.joined(separator: ",")).names(HostAddress.host(of: origin))
    }
}

extension CurlTransport.Configuration.Proxy: CustomStringConvertible, CustomReflectable {
    /// The proxy's host and port, without user name and password.
    public var description: String {
        switch wrapped {
        case .environment: "the environment's"
        case .none: "none"
        case .url: shownName ?? ""
        }
    }

    /// Shows only the description, so that a dump reveals no password.
    public var customMirror: Mirror { Mirror(self, children: ["proxy": description]) }
}

extension CurlTransport.Configuration.ClientCertificate: CustomStringConvertible, CustomReflectable {
    /// The path of the certificate.
    public var description: String { certificateFile }

    /// Shows only the paths, so that a dump reveals no password.
    public var customMirror: Mirror {
        Mirror(self, children: ["certificateFile": certificateFile, "privateKeyFile": privateKeyFile])
    }
}
