import HTTPTypes
import StacksTransport

extension ClientCore {
    /// The error of a response that is not a 2xx.
    func failure(of definition: OperationDefinition, refusedWith response: TransportResponse) -> StacksAPIError {
        let status = response.status
        let code = StacksAPIError.Code(status)
        let message = ServerMessage.read(response.body, redaction)
        // Most 5xx can come from a gateway that lost the response of a server which did its work, and so can a 408. The API's
        // own 503 says that it did nothing.
        let isGateways = code == .serverError || (code == .unavailable && message == nil) || status == .requestTimeout
        var error = StacksAPIError(
            code: code,
            operation: definition.operation,
            status: status,
            message: "The server responded with \(status.code)\(code.explanation).",
            serverMessage: message,
            body: shown(response.body),
            serverRequestID: response.headerFields[.requestID].map(shown),
            rateLimit: RateLimit.stated(in: response),
            retryAfter: RetryAfter.delay(in: response.headerFields),
            mayHaveTakenEffect: isGateways
        )
        if error.serverMessage == nil {
            error.message += " The response gives no reason: \(ServerMessage.describe(response.body))."
        }
        if code == .notFound, mayLackVersion {
            error.message += " Every response so far was a 404, and the base URL does not end in /v3: add that to it."
        }
        if error.mayHaveTakenEffect, let advice = definition.adviceInDoubt { error.message += " \(advice)" }
        return error
    }

    /// The error of a request that got no response.
    func failure(of definition: OperationDefinition, thrown: any Error) -> StacksAPIError {
        // An error of another type breaks the protocol's promise: it says nothing about the server, and its text may
        // hold anything.
        var underlying =
            thrown as? TransportError
            ?? TransportError(
                code: .other, phase: .waiting,
                message: "The transport threw \(type(of: thrown)) instead of a TransportError")
        underlying.message = redaction.scrub(underlying.message)
        let advice = underlying.mayHaveReachedServer ? definition.adviceInDoubt : nil
        return StacksAPIError(
            code: .transport,
            operation: definition.operation,
            message: "No response from \(baseURL.origin): \(underlying).\(advice.map { " \($0)" } ?? "")",
            underlying: underlying,
            mayHaveTakenEffect: underlying.mayHaveReachedServer
        )
    }

    /// The error of a 2xx response whose body cannot be decoded.
    func failure(decoding received: ReceivedResponse, _ error: JSONError) -> StacksAPIError {
        let (definition, response) = (received.call.definition, received.response)
        return StacksAPIError(
            code: .decoding,
            operation: definition.operation,
            status: response.status,
            message: "The server responded with \(response.status.code), and the body cannot be decoded: "
                + redaction.scrub(error.description(in: response.body)) + ".",
            body: definition.respondsWithSecrets ? [] : shown(response.body),
            serverRequestID: response.headerFields[.requestID].map(shown),
            rateLimit: RateLimit(response.headerFields),
            retryAfter: RetryAfter.delay(in: response.headerFields),
            attempts: received.attempts,
            mayHaveTakenEffect: true
        )
    }
}

extension ClientCore {
    /// A header field's value as an error, and then perhaps a log, shows it.
    private func shown(_ value: String) -> String {
        VisibleText.escaped(redaction.scrub(value), limit: VisibleText.lineLimit)
    }

    /// The beginning of a body as an error keeps it.
    private func shown(_ body: [UInt8]) -> [UInt8] {
        Array(redaction.scrub(body, limit: StacksAPIError.maximumBodySize).prefix(StacksAPIError.maximumBodySize))
    }
}

extension HTTPField.Name {
    fileprivate static let requestID = HTTPField.Name("X-Request-Id")!
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
        case .badRequest: return ": the server does not understand the parameters"
        case .unauthorized: return ": the token is missing, invalid or expired"
        case .forbidden: return ": this is not allowed"
        case .notFound: return ": there is no such stack, job or queue"
        case .unprocessable: return ": the server rejects the values"
        case .rateLimited: return ": too many requests"
        case .unavailable: return ": the organization is temporarily unavailable"
        case .serverError: return ": the server failed"
        default: return ", which this operation does not expect"
        }
    }
}

extension TransportError.Code {
    /// Whether the same request can succeed a moment later. Connections recover; a malformed request, a rejected
    /// certificate, a response that is too large and a transport that was shut down do not.
    var isTransient: Bool {
        switch self {
        case .invalidRequest, .certificate, .responseTooLarge, .transportClosed: return false
        default: return true
        }
    }
}

/// What the body of an error response says.
enum ServerMessage {
    /// The most characters of a message that an error keeps.
    private static let limit = 1000

    /// The `message` of a JSON object; `nil` when the body is something else, a proxy's page for example.
    static func read(_ body: [UInt8], _ redaction: Redaction) -> String? {
        let message = try? JSONReader.read(body) { (reader) throws(JSONError) -> String? in
            var message: String?
            try reader.beginObject()
            while let name = try reader.nextKey() {
                switch name {
                case "message": message = try reader.stringOrNil()
                default: try reader.skip()
                }
            }
            return message
        }
        guard let text = message ?? nil, !text.isEmpty else { return nil }
        let scrubbed = String(
            decoding: redaction.scrub(Array(text.utf8), limit: 4 * (limit + 1)), as: UTF8.self)
        // One line of bounded length without invisible characters, whatever the server sent.
        let shown = scrubbed.unicodeScalars.prefix(limit).map { VisibleText.isHidden($0) ? " " : $0 }
        return String(String.UnicodeScalarView(shown)) + (scrubbed.unicodeScalars.count > limit ? "…" : "")
    }

    /// What kind of body it is, for people to read.
    static func describe(_ body: [UInt8]) -> String {
        if body.isEmpty { return "the body is empty" }
        let first = body.first { $0 > 0x20 }
        if first == UInt8(ascii: "<") { return "the body is \(body.count) bytes of HTML, perhaps from a proxy" }
        return "the body is \(body.count) bytes without a message"
    }
}
