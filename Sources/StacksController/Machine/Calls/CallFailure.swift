import StacksAPI

/// Why a call failed, as far as it makes a difference to what is done next.
struct CallFailure: Error, Sendable {
    enum Kind: Sendable, Hashable {
        /// 401: nothing will succeed with this token.
        case unauthorized
        /// 403: nothing will succeed for this stack.
        case forbidden
        /// 404: the stack, or the queue, is not there.
        case notFound
        /// 429.
        case rateLimited
        /// The request itself is not accepted: it will not be by sending it again.
        case rejected
        /// Anything that may pass.
        case transient
    }

    var kind: Kind
    /// The wait that the server asked for.
    var retryAfter: Duration?
    /// For people.
    var message: String
    var underlying: StacksAPIError?
    /// Whether the request may have been accepted all the same.
    var mayHaveTakenEffect: Bool

    /// Without `mayHaveTakenEffect` a transient failure may have taken effect, and a refusal has not.
    init(
        _ kind: Kind,
        retryAfter: Duration? = nil,
        message: String,
        underlying: StacksAPIError? = nil,
        mayHaveTakenEffect: Bool? = nil
    ) {
        self.kind = kind
        self.mayHaveTakenEffect = mayHaveTakenEffect ?? (kind == .transient)
        self.retryAfter = retryAfter
        self.message = message
        self.underlying = underlying
    }
}

extension CallFailure {
    init(_ error: any Error) {
        guard let error = error as? StacksAPIError else {
            self.init(.transient, message: "\(error)")
            return
        }
        let kind: Kind =
            switch error.code {
            // What a proxy says of itself is no word of the API: it passes.
            case _ where error.isProxyRefusal: .transient
            case .unauthorized: .unauthorized
            case .forbidden: .forbidden
            case .notFound: .notFound
            case .rateLimited: .rateLimited
            case .badRequest, .unprocessable, .invalidArgument, .unexpectedJobState: .rejected
            default: .transient
            }
        let wait = error.retryAfter ?? (kind == .rateLimited ? error.rateLimit?.reset : nil)
        self.init(
            kind,
            retryAfter: wait,
            message: "\(error)",
            underlying: error,
            mayHaveTakenEffect: error.mayHaveTakenEffect
        )
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
