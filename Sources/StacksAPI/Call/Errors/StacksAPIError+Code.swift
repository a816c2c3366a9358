import StacksTransport

extension StacksAPIError {
    /// What kind of failure it is. More may come, so a `switch` needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Wrapped: String {
            case invalidArgument, badRequest, unauthorized, forbidden, notFound, unprocessable, rateLimited
            case serverError, unavailable, unexpectedStatus, decoding, transport, deadlineExceeded
            case unexpectedJobState, cancelled
        }

        private let wrapped: Wrapped

        private init(_ wrapped: Wrapped) { self.wrapped = wrapped }

        /// A short name without dynamic values, fit for a metric's label.
        public var description: String { wrapped.rawValue }

        /// A value that was given cannot be sent; nothing was sent. The message names the value and the limit.
        public static let invalidArgument = Code(.invalidArgument)
        /// 400: the server does not understand the parameters.
        public static let badRequest = Code(.badRequest)
        /// 401: the token is missing, invalid or expired.
        public static let unauthorized = Code(.unauthorized)
        /// 403: not allowed; for a registration, the organization's limit of stacks is reached.
        public static let forbidden = Code(.forbidden)
        /// 404: there is no such stack, job or queue.
        public static let notFound = Code(.notFound)
        /// 422: the server understands the values and refuses them.
        public static let unprocessable = Code(.unprocessable)
        /// 429: too many requests.
        public static let rateLimited = Code(.rateLimited)
        /// 5xx other than 503.
        public static let serverError = Code(.serverError)
        /// 503: the organization is not available for now.
        public static let unavailable = Code(.unavailable)
        /// A status that none of the others stands for, a redirect for example.
        public static let unexpectedStatus = Code(.unexpectedStatus)
        /// A 2xx whose body is not what it should be. What was asked for has been done all the same.
        public static let decoding = Code(.decoding)
        /// No whole answer was received; ``StacksAPIError/underlying`` says why.
        public static let transport = Code(.transport)
        /// The call's deadline passed, or would have passed before the next attempt.
        public static let deadlineExceeded = Code(.deadlineExceeded)
        /// A finish whose answer was lost, and then the job was in a state in which no stack can finish it.
        public static let unexpectedJobState = Code(.unexpectedJobState)
        /// The task was cancelled before this part of a long list was answered. It is found in
        /// ``StacksResponse/failedBatches`` alone: a call that has nothing to show throws `CancellationError`.
        public static let cancelled = Code(.cancelled)
    }
}

/// What to do about each failure.
extension StacksAPIError {
    /// What failed in few words without dynamic values, fit for a label: `finishJob rateLimited`, or
    /// `finishJob transport connect`.
    public var shortDescription: String {
        var words = operation.map { [$0.name] } ?? []
        words.append(code.description)
        if code == .transport, let underlying { words.append(underlying.code.description) }
        return words.joined(separator: " ")
    }

    /// What to do, in words for a person.
    public var advice: String {
        if code == .transport, underlying?.code == .certificate {
            return "Check the server's certificate, and give the transport the authorities that vouch for it."
        }
        return mayHaveTakenEffect ? operation?.row.adviceInDoubt ?? code.advice : code.advice
    }
}

extension StacksAPIError.Code {
    /// Whether a call that failed with it can succeed later without anything being changed. For ``transport``,
    /// ``StacksAPIError/isRetryable`` knows better.
    public var isRetryable: Bool {
        switch self {
        case .rateLimited, .serverError, .unavailable, .deadlineExceeded, .transport: true
        default: false
        }
    }

    /// What to do about it, in words for a person and without dynamic values.
    public var advice: String {
        switch self {
        case .invalidArgument: "Correct the value that the message names."
        case .badRequest: "Report it: what the client sent was not understood."
        case .unauthorized: "Use a valid agent token of a cluster, or give a provider that can replace it."
        case .forbidden: "Check the token's cluster; de-register stacks that are gone."
        case .notFound: "Register the stack, and check its key, the queue and the job."
        case .unprocessable: "Correct the values that the server's message names."
        case .rateLimited: "Nothing, if it passes: the client waits. Otherwise let fewer clients share the stack key."
        case .serverError: "Try again later; when it stays, give the request's ID to Buildkite's support."
        case .unavailable: "Try again later: the organization is not available for now."
        case .unexpectedStatus: "Check the base URL and what stands between: it may not be Buildkite that answered."
        case .decoding: "Check the base URL and the package's version. What was asked for has been done."
        case .transport: "Check the network, the proxy and the certificate authorities; try again later."
        case .deadlineExceeded: "Give the call more time, or try again later."
        case .unexpectedJobState: "Look at the job: somebody else has it, or it was cancelled."
        case .cancelled: "Call again for this part, from a task that is not cancelled, if it is still wanted."
        default: "Read the message."
        }
    }

    /// The codes of this version.
    public static let known: [StacksAPIError.Code] = [
        .invalidArgument, .badRequest, .unauthorized, .forbidden, .notFound, .unprocessable, .rateLimited, .serverError,
        .unavailable, .unexpectedStatus, .decoding, .transport, .deadlineExceeded, .unexpectedJobState,
        .cancelled,
    ]
}
