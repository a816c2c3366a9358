import CLibcurl
import StacksTransport

extension TransportError {
    /// The transport was shut down before the response.
    static func transportClosed(phase: Phase) -> TransportError {
        TransportError(code: .transportClosed, phase: phase, message: "the transport was shut down")
    }

    /// The call's deadline passed.
    static func deadlineExceeded(phase: Phase) -> TransportError {
        TransportError(code: .timeout, phase: phase, message: "the deadline passed before the response was complete")
    }

    /// There was no connection when the connect time-out passed.
    static func connectTimeout(_ timeout: Duration, phase: Phase) -> TransportError {
        TransportError(code: .timeout, phase: phase, message: "could not connect within \(timeout.shortText)")
    }

    /// The error for a transfer's result and what its callbacks noted.
    ///
    /// The results are those of <https://curl.se/libcurl/c/libcurl-errors.html>.
    init(curl result: CURLcode, of transfer: CurlTransfer, configuration: CurlTransport.Configuration) {
        let progress = transfer.progress
        let phase = transfer.phase
        let text = transfer.errorMessage
        if progress.isTooLarge {
            self.init(
                code: .responseTooLarge, phase: .receiving,
                message:
                    "the response is longer than \(configuration.maximumResponseSize) bytes, or its header longer than 256 KiB"
            )
            return
        }
        if Self.isAboutHeaderSize(result, text), progress.isSending {
            self.init(
                code: .responseTooLarge, phase: .receiving,
                message:
                    "the response's header is too large: libcurl accepts lines of up to 100 KiB, trailers of up to 4 KiB, "
                    + "and 300 KiB in total")
            return
        }
        if progress.replayWasRefused {
            // Almost always the connection was closed. A stream that the server refused (REFUSED_STREAM, or a GOAWAY
            // below it; RFC 9113, section 8.7, says that it was not processed) looks the same: libcurl repeats both, with
            // the same result and information, and on a reused connection even with the same debug text. On a new one it
            // may also be HTTP_1_1_REQUIRED. So the request may have been processed, and `finish` asks for the job's
            // state instead of retrying.
            self.init(
                code: .connectionClosed, phase: .waiting,
                message: "the connection was closed before the response, and the request must not be repeated")
            return
        }
        let generic = unsafe String(cString: curl_easy_strerror(result))
        var code = Code(curl: result)
        // libcurl reports a response that does not start like HTTP as an unsupported protocol, HTTP/0.9.
        if code == .invalidRequest, progress.isSending { code = .protocolViolation }
        // Newer versions, such as 8.21, report a private key that they cannot read as a bad argument.
        if result == CURLE_BAD_FUNCTION_ARGUMENT, configuration.clientCertificate != nil, !progress.isSending {
            code = .certificate
        }
        // libcurl reports a proxy that refuses the tunnel, or closes before it is established, as a closed connection;
        // only its text, which always names the method, shows the difference.
        if [.connectionClosed, .connect].contains(code), !progress.isSending, text.contains("CONNECT") {
            code = .proxy
        }
        // libcurl's text repeats a proxy's URL that it cannot use, with the password.
        let isAboutProxyURL = text.hasPrefix("Unsupported proxy")
        if isAboutProxyURL { code = .proxy }
        var message = isAboutProxyURL ? "the proxy's URL is invalid" : text.isEmpty ? generic : text
        let isAboutTrust = result == CURLE_PEER_FAILED_VERIFICATION && Self.isAboutTrust(text)
        if isAboutTrust || result == CURLE_SSL_CACERT_BADFILE {
            message += " (\(configuration.trustAdvice))"
        }
        // libcurl names the address that it could not reach, but does not say that it is the proxy's.
        if phase <= .connecting, let proxy = configuration.proxy.shownName {
            message += " (through the proxy \(proxy))"
        }
        self.init(
            code: code,
            // libcurl reports the connection as established only after the handshake.
            phase: (code == .tls || code == .certificate) && !progress.isSending ? .securing : phase,
            mayHaveReachedServer: progress.isSending,
            message: message
        )
    }

    /// Whether libcurl rejected a header because of its size. Before 8.6 it has no result of its own for that and reports
    /// that memory ran out: a buffer refuses to grow past its limit. Nothing need have been received then: it can be the
    /// status line.
    private static func isAboutHeaderSize(_ result: CURLcode, _ text: String) -> Bool {
        // CURLE_TOO_LARGE
        if result == CURLE_OUT_OF_MEMORY || result.rawValue == 100 { return true }
        return result == CURLE_RECV_ERROR
            && (text.hasPrefix("Too large response headers") || text.hasPrefix("Out of memory in chunked-encoding"))
    }

    /// Whether the certificate's authority is not trusted, rather than its name or dates rejected. libcurl's TLS libraries
    /// report the authority in different words, and the others in similar ones.
    private static func isAboutTrust(_ text: String) -> Bool {
        !["subject name", "host name", "hostname", "expired", "not yet"].contains { text.contains($0) }
    }
}

extension Duration {
    /// In seconds, such as `10 s` or `0.5 s`.
    fileprivate var shortText: String {
        let seconds = self / .seconds(1)
        return Int(exactly: seconds).map { "\($0) s" } ?? "\(seconds) s"
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
