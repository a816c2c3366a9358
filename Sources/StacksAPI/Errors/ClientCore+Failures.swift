import HTTPTypes
import StacksTransport
import Synchronization

extension ClientCore {
    /// The error of an answer that is not a 2xx.
    func failure(of endpoint: Endpoint, answer: TransportResponse) -> StacksAPIError {
        let status = answer.status
        let code = StacksAPIError.Code(status)
        var error = StacksAPIError(
            code: code,
            operation: endpoint.operation,
            status: status,
            message: "The server answered \(status.code)\(code.explanation).",
            serverMessage: ServerMessage.read(answer.body, redaction),
            body: shown(answer.body),
            serverRequestID: answer.headerFields[.requestID].map(shown),
            rateLimit: RateLimit(answer),
            retryAfter: RetryAfter.delay(in: answer.headerFields),
            // Other server errors can come from a proxy that lost the answer of a server that did its work.
            mayHaveTakenEffect: code == .serverError
        )
        if error.serverMessage == nil {
            error.message += " It gave no reason: \(ServerMessage.describe(answer.body))."
        }
        if code == .notFound, !baseURL.endsWithVersion, !hasFoundAnything.load(ordering: .relaxed) {
            error.message += " All was answered with 404 so far, and the base URL does not end in /v3: add that to it."
        }
        if error.mayHaveTakenEffect { error.message += endpoint.adviceAfterDoubt }
        return error
    }

    /// A response had another status than 404. Stored once: all calls would write to the same place otherwise.
    func foundSomething() {
        if !hasFoundAnything.load(ordering: .relaxed) { hasFoundAnything.store(true, ordering: .relaxed) }
    }

    /// The error of a request that got no answer.
    func failure(of endpoint: Endpoint, thrown: any Error) -> StacksAPIError {
        // Another error than the protocol promises says nothing about the server, and its text may hold anything.
        var underlying =
            thrown as? TransportError
            ?? TransportError(
                code: .other, phase: .waiting,
                message: "The transport threw \(type(of: thrown)), which is no TransportError")
        underlying.message = redaction.scrub(underlying.message)
        return StacksAPIError(
            code: .transport,
            operation: endpoint.operation,
            message: "No answer from \(baseURL.origin): \(underlying)."
                + (underlying.mayHaveReachedServer ? endpoint.adviceAfterDoubt : ""),
            underlying: underlying,
            mayHaveTakenEffect: underlying.mayHaveReachedServer
        )
    }

    /// The error of a 2xx response whose body cannot be decoded.
    func failure(decoding received: ReceivedResponse, _ error: JSONError) -> StacksAPIError {
        let (endpoint, answer) = (received.call.endpoint, received.response)
        return StacksAPIError(
            code: .decoding,
            operation: endpoint.operation,
            status: answer.status,
            message: "The server answered \(answer.status.code), but its body cannot be read: "
                + redaction.scrub(error.description(in: answer.body)) + ".",
            body: endpoint.answersSecrets
                ? [] : shown(answer.body),
            serverRequestID: answer.headerFields[.requestID].map(shown),
            rateLimit: RateLimit(answer.headerFields),
            retryAfter: RetryAfter.delay(in: answer.headerFields),
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

extension Endpoint {
    /// What to do when it is not known whether the server did it.
    fileprivate var adviceAfterDoubt: String {
        switch operation {
        case .finishJob: return " The job may be finished: ask for its state before finishing it again."
        case .notify: return " The notifications may have been created: sending them again could show them twice."
        default: return ""
        }
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
