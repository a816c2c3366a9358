import StacksTransport

extension TransportError.Code {
    /// Whether the same request can succeed a moment later: connections fail and recover, but a request that is
    /// malformed stays so, a certificate that is not accepted is not accepted the next time, an answer that is too
    /// large stays too large, and a transport that was shut down stays shut.
    var isTransient: Bool {
        switch self {
        case .invalidRequest, .certificate, .responseTooLarge, .transportClosed: return false
        default: return true
        }
    }
}
