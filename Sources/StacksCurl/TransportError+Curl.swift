import CLibcurl
import StacksTransport

extension TransportError {
    /// The connect timeout passed.
    static func connectTimeout(_ timeout: Duration, phase: Phase, details: String = "") -> TransportError {
        let message = "could not connect within \(timeout)" + (details.isEmpty ? "" : ": \(details)")
        return TransportError(code: .timeout, phase: phase, mayHaveReachedServer: false, message: message)
    }

    /// The error for the result of a transfer and the progress that its callbacks recorded.
    ///
    /// <https://curl.se/libcurl/c/libcurl-errors.html> lists the results.
    init(curl result: CURLcode, of transfer: CurlTransfer, configuration: CurlTransport.Configuration) {
        let progress = transfer.progress
        let phase = transfer.phase
        let text = transfer.errorMessage
        if let part = progress.exceededLimit {
            let message =
                switch part {
                case .header: "the response header exceeds \(CurlTransfer.maximumHeaderSize) bytes"
                case .body: "the response exceeds \(configuration.maximumResponseSize) bytes"
                }
            self.init(code: .responseTooLarge, phase: .receiving, message: message)
            return
        }
        if Self.isAboutHeaderSize(result, text), progress.isSending {
            self.init(
                code: .responseTooLarge, phase: .receiving,
                message:
                    "the response header exceeds libcurl's limits: 100 KiB for a line, 300 KiB for all lines, 4 KiB for "
                    + "trailer fields")
            return
        }
        if progress.replayWasRefused {
            // Nearly always, the connection was closed. But a stream that the server refused (REFUSED_STREAM, or a GOAWAY
            // with a lower stream ID), which RFC 9113, section 8.7, guarantees to be unprocessed, looks the same: libcurl
            // retries both without a result that distinguishes them, and on a reused connection with the same debug text.
            // On a new connection, it may be HTTP_1_1_REQUIRED. So the server may have received the request, and the
            // client confirms a `finish` by the job's state instead of retrying it.
            self.init(
                code: .connectionClosed, phase: .waiting,
                message: "the connection was closed before a response arrived, and the request must not be repeated")
            return
        }
        let generic = unsafe String(cString: curl_easy_strerror(result))
        var code = Code(curl: result)
        // libcurl reports a response that does not begin like HTTP as an unsupported protocol (HTTP/0.9).
        if code == .invalidRequest, progress.isSending { code = .protocolViolation }
        // Newer versions, 8.21 for one, report an unreadable private key as a bad argument.
        if result == CURLE_BAD_FUNCTION_ARGUMENT, configuration.clientCertificate != nil, !progress.isSending {
            code = .certificate
        }
        // libcurl reports a proxy that refuses the tunnel, or closes before it is established, as a failed connection.
        // Only the text, which always names the method, distinguishes it.
        if [.connectionClosed, .connect].contains(code), !progress.isSending, text.contains("CONNECT") {
            code = .proxy
        }
        if code == .timeout, !progress.isSending {
            self = .connectTimeout(configuration.connectTimeout, phase: phase, details: text)
            addProxy(of: configuration)
            return
        }
        // The text for an unsupported proxy URL contains the URL with its password.
        let isAboutProxyURL = text.hasPrefix("Unsupported proxy")
        if isAboutProxyURL { code = .proxy }
        var message = isAboutProxyURL ? "libcurl does not support the proxy URL" : text.isEmpty ? generic : text
        let isAboutTrust = result == CURLE_PEER_FAILED_VERIFICATION && Self.isAboutTrust(text)
        if isAboutTrust || result == CURLE_SSL_CACERT_BADFILE {
            message += " (\(configuration.trustAdvice))"
        }
        self.init(
            code: code, phase: phase, mayHaveReachedServer: progress.isSending, message: message)
        addProxy(of: configuration)
        // libcurl records the connect time only after the TLS handshake.
        if code == .tls || code == .certificate, !progress.isSending { self.phase = .securing }
    }

    /// Names the proxy in the message of a failure to connect: libcurl names the address only, not that it is the proxy's.
    private mutating func addProxy(of configuration: CurlTransport.Configuration) {
        guard phase <= .connecting, let proxy = configuration.proxy.shownName else { return }
        message += " (through the proxy \(proxy))"
    }

    /// Whether libcurl rejected a header for its size. Before 8.6, that has no result of its own, but is reported as out of
    /// memory, because a buffer reached its limit. It can be the status line, so nothing need have been received.
    private static func isAboutHeaderSize(_ result: CURLcode, _ text: String) -> Bool {
        // CURLE_TOO_LARGE
        if result == CURLE_OUT_OF_MEMORY || result.rawValue == 100 { return true }
        return result == CURLE_RECV_ERROR
            && (text.hasPrefix("Too large response headers") || text.hasPrefix("Out of memory in chunked-encoding"))
    }

    /// Whether a certificate was rejected for its authority, rather than for its name or dates. The texts of libcurl's TLS
    /// libraries about the authority differ, those about name and dates less so.
    private static func isAboutTrust(_ text: String) -> Bool {
        !["subject name", "host name", "hostname", "expired", "not yet"].contains { text.contains($0) }
    }
}

extension TransportError.Code {
    fileprivate init(curl result: CURLcode) {
        switch result {
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_FUNCTION_ARGUMENT:
            self = .invalidRequest
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            self = .nameResolution
        case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED:
            self = .connect
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_ENGINE_NOTFOUND:
            self = .tls
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT:
            self = .certificate
        case CURLE_PROXY:
            self = .proxy
        case CURLE_OPERATION_TIMEDOUT:
            self = .timeout
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
            self = .connectionClosed
        case CURLE_HTTP2, CURLE_HTTP2_STREAM:
            self = .http2
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            self = .protocolViolation
        default:
            self = .other
        }
    }
}
