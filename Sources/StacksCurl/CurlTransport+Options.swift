import CLibcurl
import StacksTransport

extension CurlTransport.Configuration {
    /// Sets every option on a temporary handle, so that an option that this libcurl rejects fails when the transport is
    /// created, not with each call.
    func probe(_ library: CurlFeatures) throws(ConfigurationError) {
        do throws(TransportError) {
            try apply(to: EasyHandle(), library)
        } catch {
            throw ConfigurationError(error.message)
        }
    }

    /// Sets the options of an easy handle that are the same for all calls.
    func apply(to easy: borrowing EasyHandle, _ library: CurlFeatures) throws(TransportError) {
        // Required with threads (https://curl.se/libcurl/c/threadsafe.html).
        try easy.set(CURLOPT_NOSIGNAL, 1)
        try easy.setQuickExit(library)
        try easy.set(CURLOPT_CONNECTTIMEOUT_MS, connectTimeout.wholeMilliseconds)
        try easy.set(CURLOPT_MAXAGE_CONN, maximumIdleTime.wholeSeconds)
        try easy.set(CURLOPT_MAXLIFETIME_CONN, maximumConnectionLifetime.wholeSeconds)
        // Keeps libcurl from removing dot segments from the path.
        try easy.set(CURLOPT_PATH_AS_IS, 1)
        // libcurl allocates this buffer for each request with a body, by default with 64 KB. Requests are small, and
        // HTTP/2 frames are not larger than this.
        try easy.set(CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024)
        // A redirect would send the credentials to another host.
        try easy.set(CURLOPT_FOLLOWLOCATION, 0)
        try easy.setProtocols(allowsPlaintext: allowsPlaintext, library)
        // Sends the header fields to the server only, not to a proxy.
        try easy.set(CURLOPT_HEADEROPT, stacks_header_separate)
        try easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        switch httpVersion.wrapped {
        case .automatic where CurlLibrary.hasHTTP2:
            try easy.set(CURLOPT_HTTP_VERSION, stacks_http_version_2tls)
            // Calls wait for a connection that is being established, to share it, instead of opening another one.
            try easy.set(CURLOPT_PIPEWAIT, 1)
        case .automatic, .http1_1:
            try easy.set(CURLOPT_HTTP_VERSION, stacks_http_version_1_1)
        }
        if let tcpKeepAlive {
            try easy.set(CURLOPT_TCP_KEEPALIVE, 1)
            try easy.set(CURLOPT_TCP_KEEPIDLE, tcpKeepAlive.wholeSeconds)
            try easy.set(CURLOPT_TCP_KEEPINTVL, tcpKeepAlive.wholeSeconds)
        }
        // An empty string requests every encoding that libcurl can decode.
        if acceptsCompression { try easy.set(CURLOPT_ACCEPT_ENCODING, "") }
        if let unixSocketPath { try easy.set(CURLOPT_UNIX_SOCKET_PATH, unixSocketPath) }
        try applyTLS(to: easy)
        try applyProxy(to: easy)
    }

    private func applyTLS(to easy: borrowing EasyHandle) throws(TransportError) {
        try easy.set(CURLOPT_SSLVERSION, stacks_tls_1_2)
        switch certificateAuthorities.wrapped {
        case .system:
            if let file = trustEnvironment.certificateFile { try easy.set(CURLOPT_CAINFO, file) }
            // With some TLS libraries, libcurl supports no directory and rejects the option.
            if let directory = trustEnvironment.certificateDirectory { try? easy.set(CURLOPT_CAPATH, directory) }
        case .file(let path):
            try easy.set(CURLOPT_CAINFO, path)
            try easy.set(CURLOPT_CAPATH, nil)
        case .pem(let text):
            try easy.set(CURLOPT_CAINFO_BLOB, blob: text)
            try easy.set(CURLOPT_CAPATH, nil)
        }
        if let clientCertificate {
            try easy.set(CURLOPT_SSLCERT, clientCertificate.certificateFile)
            try easy.set(CURLOPT_SSLKEY, clientCertificate.privateKeyFile)
            if let password = clientCertificate.privateKeyPassword {
                try easy.set(CURLOPT_KEYPASSWD, password)
            }
        }
        if let pinnedPublicKey {
            try easy.set(CURLOPT_PINNEDPUBLICKEY, pinnedPublicKey)
        }
    }

    private func applyProxy(to easy: borrowing EasyHandle) throws(TransportError) {
        switch proxy.wrapped {
        case .environment:
            break
        case .none:
            // An empty string disables the environment's proxy (https://curl.se/libcurl/c/CURLOPT_PROXY.html).
            try easy.set(CURLOPT_PROXY, "")
        case .url(let url, let hosts):
            try easy.set(CURLOPT_PROXY, url)
            try easy.set(CURLOPT_NOPROXY, hosts.joined(separator: ","))
        }
    }

    /// The limit of calls in flight to one host before its HTTP version is known.
    func initialCallLimit(origin: String) -> Int {
        callLimit(overHTTP2: httpVersion == .automatic && CurlLibrary.hasHTTP2 && !isPlaintext(origin))
    }

    /// The limit of calls in flight to one host.
    func callLimit(overHTTP2: Bool) -> Int {
        overHTTP2 ? maximumConcurrentStreams : maximumConnectionsPerHost
    }
}

/// Whether calls to `origin` use plaintext, and so HTTP/1.1.
func isPlaintext(_ origin: String) -> Bool {
    // The scheme is http or https, so the fifth character is enough. Read in place where possible, because each call asks.
    func hasColon(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe bytes.count > 4 && bytes[4] == UInt8(ascii: ":")
    }
    return unsafe origin.utf8.withContiguousStorageIfAvailable(hasColon) ?? origin.hasPrefix("http:")
}

extension Duration {
    /// Milliseconds, rounded up, so that a wait is never too short. For durations that a configuration allows.
    var wholeMilliseconds: Int { Int((self / .milliseconds(1)).rounded(.up)) }

    /// Seconds, rounded up. For durations that a configuration allows.
    var wholeSeconds: Int { Int((self / .seconds(1)).rounded(.up)) }
}
