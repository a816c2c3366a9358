import CLibcurl
import StacksTransport

extension TransportError {
    /// The transport was shut down before the call was answered.
    static func transportClosed(phase: Phase) -> TransportError {
        TransportError(code: .transportClosed, phase: phase, message: "the transport was shut down")
    }

    /// The call's deadline passed.
    static func deadlineExceeded(phase: Phase) -> TransportError {
        TransportError(code: .timeout, phase: phase, message: "the deadline passed before the answer was whole")
    }

    /// No connection stood when the connect time-out passed.
    static func connectTimeout(_ timeout: Duration, phase: Phase) -> TransportError {
        TransportError(code: .timeout, phase: phase, message: "no connection stood after \(timeout)")
    }

    /// What a transfer's result and the callbacks' notes amount to.
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
                    "the answer is longer than \(configuration.maximumResponseSize) bytes, or its header longer than 256 KiB"
            )
            return
        }
        if Self.isAboutHeaderSize(result, text), progress.isSending {
            self.init(
                code: .responseTooLarge, phase: .receiving,
                message:
                    "the answer's header is too large: libcurl takes lines of up to 100 KiB, trailers of up to 4 KiB "
                    + "and 300 KiB of them together")
            return
        }
        if progress.replayWasRefused {
            // It is as good as always the connection that died. A stream that the server refused (REFUSED_STREAM, or
            // a GOAWAY below it: RFC 9113, section 8.7, says that it was not processed) looks the same: libcurl repeats
            // both without a result or information that tells them apart, and on a connection that was used before even
            // its debug text is the same. On a new one it may be HTTP_1_1_REQUIRED too. So this is not taken for
            // certain, and `finish` asks for the job's state instead of being sent again.
            self.init(
                code: .connectionClosed, phase: .waiting,
                message: "the connection was closed before an answer came, and the request must not be repeated")
            return
        }
        let generic = unsafe String(cString: curl_easy_strerror(result))
        var code = Code(curl: result)
        // libcurl calls an answer that does not begin like HTTP an unsupported protocol, HTTP/0.9.
        if code == .invalidRequest, progress.isSending { code = .protocolViolation }
        // Newer versions, 8.21 for one, call a private key that they cannot read a bad argument.
        if result == CURLE_BAD_FUNCTION_ARGUMENT, configuration.clientCertificate != nil, !progress.isSending {
            code = .certificate
        }
        // A proxy that refuses the tunnel, or dies before it stands, is a connection that broke to libcurl; only its
        // text, which always names the method, tells.
        if [.connectionClosed, .connect].contains(code), !progress.isSending, text.contains("CONNECT") {
            code = .proxy
        }
        // libcurl repeats a proxy's URL that it cannot use, with the password in it.
        let isAboutProxyURL = text.hasPrefix("Unsupported proxy")
        if isAboutProxyURL { code = .proxy }
        var message = isAboutProxyURL ? "the proxy's URL cannot be used" : text.isEmpty ? generic : text
        let isAboutTrust = result == CURLE_PEER_FAILED_VERIFICATION && Self.isAboutTrust(text)
        if isAboutTrust || result == CURLE_SSL_CACERT_BADFILE {
            message += " (\(configuration.trustAdvice))"
        }
        // libcurl names the address that it could not reach, but not that it is the proxy's.
        if phase <= .connecting, let proxy = configuration.proxy.shownName {
            message += " (through the proxy \(proxy))"
        }
        self.init(
            code: code,
            // libcurl notes that the connection stands only when the handshake is done as well.
            phase: (code == .tls || code == .certificate) && !progress.isSending ? .securing : phase,
            mayHaveReachedServer: progress.isSending,
            message: message
        )
    }

    /// Whether libcurl gave a header up for its size. That is no result of its own before 8.6, but memory that ran out: a
    /// buffer has a limit, and refuses to grow past it. Nothing need have been received then: it can be the status line.
    private static func isAboutHeaderSize(_ result: CURLcode, _ text: String) -> Bool {
        // CURLE_TOO_LARGE
        if result == CURLE_OUT_OF_MEMORY || result.rawValue == 100 { return true }
        return result == CURLE_RECV_ERROR
            && (text.hasPrefix("Too large response headers") || text.hasPrefix("Out of memory in chunked-encoding"))
    }

    /// Whether it is the authority of a certificate that is not accepted, rather than its name or its dates. What
    /// libcurl's TLS libraries say of the authority differs, and of the others less.
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
