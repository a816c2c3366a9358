import Foundation
import HTTPTypes
import StacksTransport

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What is known about a call beside the engine's error, to tell whether the server can have seen the request.
struct FailureCircumstances {
    /// The engine had no connection that it could have used again, and so cannot have written the request before.
    var connectionIsCertainlyNew: Bool
    /// The request has a body: the engine reports when it takes the first byte of it.
    var hasBody: Bool
    /// The host is a numeric address, so that there was one address to connect to.
    var hostIsNumeric: Bool
    /// The host is an IPv6 address.
    var hostIsIPv6 = false

    init(connectionIsCertainlyNew: Bool, hasBody: Bool, hostIsNumeric: Bool) {
        self.connectionIsCertainlyNew = connectionIsCertainlyNew
        self.hasBody = hasBody
        self.hostIsNumeric = hostIsNumeric
    }

    init(_ request: TransportRequest, connectionIsCertainlyNew: Bool) {
        let host = URL(string: request.origin)?.host ?? ""
        self.init(
            connectionIsCertainlyNew: connectionIsCertainlyNew,
            hasBody: request.body?.isEmpty == false,
            hostIsNumeric: host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        )
        hostIsIPv6 = host.contains(":")
    }

    /// Whether an error that names the connection, or what comes before it, proves that nothing was sent.
    func proveNothingWasSent(_ progress: Exchange.Progress) -> Bool {
        guard !progress.tookBody, !progress.hasHeader else { return false }
        #if canImport(FoundationNetworking)
            // On Linux "cannot connect" is said of every failure after one of the host's addresses refused, also when
            // the next one took the request and then broke off; and a refusal may follow a request that was written to
            // a connection that was found dead. Only these circumstances rule both out.
            return connectionIsCertainlyNew && (hasBody || hostIsNumeric)
        #else
            return true
        #endif
    }
}

extension TransportError {
    /// Translates the engine's error. Where it is not certain that nothing was sent, the server may have seen it.
    init(_ error: URLError, progress: Exchange.Progress, circumstances: FailureCircumstances) {
        var (code, phase) = Self.codeAndPhase(of: error.code, progress: progress)
        var message = error.localizedDescription
        #if canImport(FoundationNetworking)
            // The text is libcurl's on Linux, where several failures have no code of their own.
            if code == .other, !progress.hasHeader, message.contains("SSL certificate") {
                (code, phase) = (.certificate, .securing)
                message += " (URLSession trusts the system's authorities alone: use CurlTransport for others)"
            }
            if message.hasPrefix("Unsupported proxy") {
                // It repeats the proxy's URL, with the password in it.
                (code, phase, message) = (.proxy, .connecting, "the environment's proxy has a URL that cannot be used")
            }
            if ["Out of memory", "Too large response headers"].contains(where: { message.hasPrefix($0) }) {
                // A buffer has a limit and refuses to grow past it.
                (code, phase) = (.responseTooLarge, .receiving)
                message = "the answer's header is too large: libcurl takes lines of up to 100 KiB, and 300 KiB together"
            }
            if code == .invalidRequest, circumstances.hostIsIPv6 {
                message = "this system's URLSession takes no URL with an IPv6 address: use a name, or CurlTransport"
            }
        #endif
        let isBeforeSending = phase < .sending
        self.init(
            code: code,
            phase: phase,
            mayHaveReachedServer: code != .invalidRequest
                && !(isBeforeSending && circumstances.proveNothingWasSent(progress)),
            message: message
        )
    }

    private static func codeAndPhase(of code: URLError.Code, progress: Exchange.Progress) -> (Code, Phase) {
        switch code {
        case .unsupportedURL:
            // The scheme was looked at before the call began: on Linux this is said of an answer that is not HTTP.
            (.protocolViolation, .waiting)
        case .badURL, .appTransportSecurityRequiresSecureConnection:
            (.invalidRequest, .queued)
        case .cannotFindHost, .dnsLookupFailed:
            (.nameResolution, .resolving)
        case .cannotConnectToHost, .notConnectedToInternet, .internationalRoamingOff, .callIsActive, .dataNotAllowed:
            (.connect, .connecting)
        case .secureConnectionFailed:
            (.tls, .securing)
        case .serverCertificateHasBadDate, .serverCertificateUntrusted, .serverCertificateHasUnknownRoot,
            .serverCertificateNotYetValid, .clientCertificateRejected, .clientCertificateRequired:
            (.certificate, .securing)
        case .timedOut:
            (.timeout, progress.phase)
        case .networkConnectionLost:
            (.connectionClosed, progress.phase)
        case .badServerResponse where !progress.hasHeader:
            // What URLSession says on Linux of a connection that was closed before a byte of the answer.
            (.connectionClosed, .waiting)
        case .badServerResponse, .cannotParseResponse, .cannotDecodeRawData, .cannotDecodeContentData,
            .zeroByteResource:
            (.protocolViolation, .receiving)
        case .dataLengthExceedsMaximum:
            (.responseTooLarge, .receiving)
        case .cancelled:
            (.transportClosed, progress.phase)
        default:
            (.other, progress.phase)
        }
    }
}
