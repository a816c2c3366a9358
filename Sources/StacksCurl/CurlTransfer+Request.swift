import CLibcurl
import HTTPTypes
import StacksTransport

extension CurlTransfer {
    /// Sets the URL, unless it is that of the handle's last call.
    func setURL(_ origin: String, _ path: String) throws(TransportError) {
        nextURL.removeAll(keepingCapacity: true)
        nextURL.append(contentsOf: origin.utf8)
        nextURL.append(contentsOf: path.utf8)
        nextURL.append(0)
        if nextURL == url { return }
        guard path.utf8.first == UInt8(ascii: "/"), nextURL.firstIndex(of: 0) == nextURL.count - 1,
            !nextURL.contains(UInt8(ascii: "#"))
        else {
            throw TransportError(code: .invalidRequest, phase: .queued, message: "the path of the URL is malformed")
        }
        url.removeAll(keepingCapacity: true)
        try parsedURL.set(nextURL)
        // What libcurl uses is the parsed URL. The text is for its retries, and so that neither is ever an older one.
        try easy.set(CURLOPT_URL, cString: nextURL)
        try unsafe easy.set(CURLOPT_CURLU, pointer: UnsafeMutableRawPointer(parsedURL.pointer))
        swap(&url, &nextURL)
    }

    /// Chooses the request's method. libcurl derives how a body is sent from the option that names the method last, so
    /// both are set together, and only when they change.
    func setVerb(_ method: HTTPRequest.Method, hasBody: Bool) throws(TransportError) {
        if let verb, verb.method == method, verb.hasBody == hasBody { return }
        verb = nil
        let sendsLength = hasBody || method == .post || method == .put || method == .patch
        try easy.set(CURLOPT_NOBODY, method == .head ? 1 : 0)
        if method != .head {
            try easy.set(sendsLength ? CURLOPT_POST : CURLOPT_HTTPGET, 1)
        }
        if sendsLength, !hasBody { try setBody([]) }
        let isImplied = method == .head || method == (sendsLength ? .post : .get)
        try easy.set(CURLOPT_CUSTOMREQUEST, isImplied ? nil : method.rawValue)
        verb = (method, hasBody)
    }

    /// Chooses the version of HTTP by the URL's scheme: over plaintext there is only HTTP/1.1, and a call must not wait
    /// to see whether the connection of the one before can be shared.
    func setPlaintext(_ isPlaintext: Bool) throws(TransportError) {
        guard httpVersion == .automatic, CurlLibrary.hasHTTP2, self.isPlaintext != isPlaintext else { return }
        try easy.set(CURLOPT_HTTP_VERSION, isPlaintext ? stacks_http_version_1_1 : stacks_http_version_2tls)
        try easy.set(CURLOPT_PIPEWAIT, isPlaintext ? 0 : 1)
        self.isPlaintext = isPlaintext
    }

    /// Turns the environment's proxy off for a call to this machine, which a proxy could not reach, and for one that no
    /// proxy may read.
    func leaveProxyOut(_ origin: String, _ allowsPlaintextProxy: Bool) throws(TransportError) {
        // Calls follow each other to one origin, which is looked at once.
        let isLoopback =
            directness?.origin == origin
            ? directness?.isLoopback == true : HostAddress.isLoopback(hostOf: origin)
        let isDirect = isLoopback || !allowsPlaintextProxy && StacksCurl.isPlaintext(origin)
        // Without an option the environment's proxy counts, and an empty text means none
        // (https://curl.se/libcurl/c/CURLOPT_PROXY.html).
        if isDirect != directness?.isDirect { try easy.set(CURLOPT_PROXY, isDirect ? "" : nil) }
        directness = (origin, isLoopback, isDirect)
    }

    func setBody(_ body: [UInt8]) throws(TransportError) {
        upload.fill(with: body)
        try easy.set(CURLOPT_POSTFIELDSIZE_LARGE, large: body.count)
        try unsafe easy.set(CURLOPT_POSTFIELDS, pointer: upload.address)
    }
}
