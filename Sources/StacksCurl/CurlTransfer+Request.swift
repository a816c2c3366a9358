import CLibcurl
import HTTPTypes
import StacksTransport

extension CurlTransfer {
    /// Sets the URL unless it is that of the handle's previous call.
    func setURL(_ origin: String, _ path: String) throws(TransportError) {
        if let url, url.path == path, url.origin == origin { return }
        urlText.removeAll(keepingCapacity: true)
        urlText.append(contentsOf: origin.utf8)
        urlText.append(contentsOf: path.utf8)
        urlText.append(0)
        guard path.utf8.first == UInt8(ascii: "/"), urlText.firstIndex(of: 0) == urlText.count - 1,
            !urlText.contains(UInt8(ascii: "#"))
        else {
            throw TransportError(
                code: .invalidRequest, phase: .queued,
                message: "the URL's path is malformed: it must begin with a slash and contain neither # nor a NUL byte")
        }
        url = nil
        try parsedURL.set(urlText)
        // libcurl uses the parsed URL, and the text for its own retries.
        try easy.set(CURLOPT_URL, cString: urlText)
        try unsafe easy.set(CURLOPT_CURLU, pointer: UnsafeMutableRawPointer(parsedURL.pointer))
        url = (origin, path)
    }

    /// Sets the method. libcurl derives how to send a body from the last option that selects a method, so both are set
    /// together, and only when they change.
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

    /// Sets how to reach an origin, unless it is that of the handle's previous call.
    func setRoute(_ origin: String, allowsPlaintextProxy: Bool) throws(TransportError) {
        if let route, route.allowsPlaintextProxy == allowsPlaintextProxy, route.origin == origin { return }
        route = nil
        let isPlaintext = StacksCurl.isPlaintext(origin)
        try setPlaintext(isPlaintext)
        if hasEnvironmentProxy {
            // Bypasses it for this machine, which a proxy cannot reach, and for plaintext that no proxy may read.
            let isDirect = HostAddress.isLoopback(hostOf: origin) || isPlaintext && !allowsPlaintextProxy
            // NULL selects the environment's proxy, an empty string none (https://curl.se/libcurl/c/CURLOPT_PROXY.html).
            try easy.set(CURLOPT_PROXY, isDirect ? "" : nil)
        }
        route = (origin, allowsPlaintextProxy)
    }

    /// Sets the HTTP version by the URL's scheme: plaintext uses HTTP/1.1, where a call must not wait to see whether
    /// another call's connection can be shared.
    private func setPlaintext(_ isPlaintext: Bool) throws(TransportError) {
        guard httpVersion == .automatic, CurlLibrary.hasHTTP2, self.isPlaintext != isPlaintext else { return }
        try easy.set(CURLOPT_HTTP_VERSION, isPlaintext ? stacks_http_version_1_1 : stacks_http_version_2tls)
        try easy.set(CURLOPT_PIPEWAIT, isPlaintext ? 0 : 1)
        self.isPlaintext = isPlaintext
    }

    func setBody(_ body: [UInt8]) throws(TransportError) {
        upload.value.fill(with: body)
        try easy.set(CURLOPT_POSTFIELDSIZE_LARGE, large: body.count)
        try unsafe easy.set(CURLOPT_POSTFIELDS, pointer: upload.value.address)
    }
}
