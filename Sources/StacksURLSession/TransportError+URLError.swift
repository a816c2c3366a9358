import Foundation
import HTTPTypes
import StacksTransport

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The facts about a call, beside the engine's error, that tell whether the server may have received the request.
struct FailureCircumstances {
    /// The engine had no connection to reuse, and so cannot have written the request to one.
    var connectionIsCertainlyNew: Bool
    /// The request has a body. The engine reports when it reads the first byte of it.
    var hasBody: Bool
    /// The host is an IP address, so that the engine connected to a single address.
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

    /// Whether a failure to connect proves that nothing was sent.
    func proveNothingWasSent(_ progress: URLSessionCall.Progress) -> Bool {
        guard !progress.tookBody, !progress.hasHeader else { return false }
        #if canImport(FoundationNetworking)
            // On Linux, the engine reports "cannot connect" for every failure after one of the host's addresses refused
            // the connection, even when the next address received the request. It also reports a refusal when it retries
            // a request that it wrote to a closed connection. Only these circumstances rule out both.
            return connectionIsCertainlyNew && (hasBody || hostIsNumeric)
        #else
            return true
        #endif
    }
}

extension TransportError {
    /// Converts the engine's error. Unless it is certain that nothing was sent, the server may have received the request.
    init(_ error: URLError, progress: URLSessionCall.Progress, circumstances: FailureCircumstances) {
        var (code, phase) = Self.codeAndPhase(of: error.code, progress: progress)
        var message = error.localizedDescription
        #if canImport(FoundationNetworking)
            // On Linux, several failures have no code of their own, and the text is libcurl's.
            if code == .other, !progress.hasHeader, message.contains("SSL certificate") {
                (code, phase) = (.certificate, .securing)
                message += " (URLSession trusts only the system's authorities: use CurlTransport for others)"
            }
            if message.hasPrefix("Unsupported proxy") {
                // The text contains the proxy's URL with its password.
                (code, phase) = (.proxy, .connecting)
                message = "URLSession does not support the environment's proxy URL"
            }
            if ["Out of memory", "Too large response headers"].contains(where: { message.hasPrefix($0) }) {
                // A buffer of libcurl has reached its limit.
                (code, phase) = (.responseTooLarge, .receiving)
                message = "the response header exceeds libcurl's limits: 100 KiB for a line, 300 KiB for all lines"
            }
            if code == .invalidRequest, circumstances.hostIsIPv6 {
                message = "URLSession does not support IPv6 addresses in URLs here: use a host name, or CurlTransport"
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

    private static func codeAndPhase(of code: URLError.Code, progress: URLSessionCall.Progress) -> (Code, Phase) {
        switch code {
        case .unsupportedURL:
            // The scheme was checked before the call. On Linux, the engine reports this for a response that is not HTTP.
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
            // On Linux, the connection was closed before the first byte of the response.
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
