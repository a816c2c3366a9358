import HTTPTypes
import StacksTransport

extension ClientCore {
    /// The error of a response that is not a 2xx.
    func failure(of operation: Operation, refusedWith response: TransportResponse) -> StacksAPIError {
        let status = response.status
        let code = StacksAPIError.Code(status)
        var error = StacksAPIError(
            code: code,
            operation: operation.name,
            status: status,
            message: "The server responded with \(status.code)\(code.explanation).",
            serverMessage: ServerMessage.read(response.body, redaction),
            body: shown(response.body),
            serverRequestID: response.headerFields[.requestID].map(shown),
            rateLimit: RateLimit(response),
            retryAfter: RetryAfter.delay(in: response.headerFields),
            // Other server errors can come from a proxy that lost the answer of a server that did its work.
            mayHaveTakenEffect: code == .serverError
        )
        if error.serverMessage == nil {
            error.message += " It gave no reason: \(ServerMessage.describe(response.body))."
        }
        if code == .notFound, mayLackVersion {
            error.message += " Every response so far was a 404, and the base URL does not end in /v3: add that to it."
        }
        if error.mayHaveTakenEffect, let advice = operation.adviceInDoubt { error.message += " \(advice)" }
        return error
    }

    /// The error of a request that got no response.
    func failure(of operation: Operation, thrown: any Error) -> StacksAPIError {
        // Another error than the protocol promises says nothing about the server, and its text may hold anything.
        var underlying =
            thrown as? TransportError
            ?? TransportError(
                code: .other, phase: .waiting,
                message: "The transport threw \(type(of: thrown)), which is no TransportError")
        underlying.message = redaction.scrub(underlying.message)
        let advice = underlying.mayHaveReachedServer ? operation.adviceInDoubt : nil
        return StacksAPIError(
            code: .transport,
            operation: operation.name,
            message: "No response from \(baseURL.origin): \(underlying).\(advice.map { " \($0)" } ?? "")",
            underlying: underlying,
            mayHaveTakenEffect: underlying.mayHaveReachedServer
        )
    }

    /// The error of a 2xx response whose body cannot be decoded.
    func failure(decoding received: ReceivedResponse, _ error: JSONError) -> StacksAPIError {
        let (operation, response) = (received.call.operation, received.response)
        return StacksAPIError(
            code: .decoding,
            operation: operation.name,
            status: response.status,
            message: "The server responded with \(response.status.code), and the body cannot be decoded: "
                + redaction.scrub(error.description(in: response.body)) + ".",
            body: operation.respondsWithSecrets ? [] : shown(response.body),
            serverRequestID: response.headerFields[.requestID].map(shown),
            rateLimit: RateLimit(response.headerFields),
            retryAfter: RetryAfter.delay(in: response.headerFields),
            attempts: received.attempts,
            mayHaveTakenEffect: true
        )
    }
}

extension ClientCore {
    /// A header field's value as an error carries it, on its way to a log perhaps.
    private func shown(_ value: String) -> String {
        VisibleText.escaped(redaction.scrub(value), limit: VisibleText.lineLimit)
    }

    /// The beginning of a body, as an error carries it.
    private func shown(_ body: [UInt8]) -> [UInt8] {
        Array(redaction.scrub(body, limit: StacksAPIError.maximumBodySize).prefix(StacksAPIError.maximumBodySize))
    }
}

extension StacksAPIError.Code {
    /// What a status that is not a 2xx means.
    init(_ status: HTTPResponse.Status) {
        switch status.code {
        case 400: self = .badRequest
        case 401: self = .unauthorized
        case 403: self = .forbidden
        case 404: self = .notFound
        case 422: self = .unprocessable
        case 429: self = .rateLimited
        case 503: self = .unavailable
        case 500...599: self = .serverError
        default: self = .unexpectedStatus
        }
    }

    fileprivate var explanation: String {
        switch self {
        case .badRequest: return ": it does not understand the parameters"
        case .unauthorized: return ": the token is missing, invalid or expired"
        case .forbidden: return ": it does not allow this"
        case .notFound: return ": there is no such stack, job or queue"
        case .unprocessable: return ": it refuses the values"
        case .rateLimited: return ": too many requests"
        case .unavailable: return ": it is not available for now"
        case .serverError: return ": something went wrong there"
        default: return ", which this operation does not expect"
        }
    }
}

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
