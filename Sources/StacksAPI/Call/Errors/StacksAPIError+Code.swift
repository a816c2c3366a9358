import StacksTransport

extension StacksAPIError {
    /// The kind of a failure. Codes may be added, so a `switch` needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Wrapped: String, CaseIterable {
            case invalidArgument, badRequest, unauthorized, forbidden, notFound, unprocessable, rateLimited
            case serverError, unavailable, unexpectedStatus, decoding, transport, deadlineExceeded
            case unexpectedJobState, cancelled
        }

        private let wrapped: Wrapped

        private init(_ wrapped: Wrapped) { self.wrapped = wrapped }

        /// A short name without dynamic values, suitable as a metric's label.
        public var description: String { wrapped.rawValue }

        /// An argument is invalid; nothing was sent. The message names the value and the limit.
        public static let invalidArgument = Code(.invalidArgument)
        /// 400: the server does not understand the parameters.
        public static let badRequest = Code(.badRequest)
        /// 401: the token is missing, invalid or expired.
        public static let unauthorized = Code(.unauthorized)
        /// 403: not allowed. For a registration: the organization has reached its limit of stacks.
        public static let forbidden = Code(.forbidden)
        /// 404: there is no such stack, job or queue.
        public static let notFound = Code(.notFound)
        /// 422: the server understands the values and rejects them.
        public static let unprocessable = Code(.unprocessable)
        /// 429: too many requests.
        public static let rateLimited = Code(.rateLimited)
        /// 5xx other than 503.
        public static let serverError = Code(.serverError)
        /// 503: the organization is not available for now.
        public static let unavailable = Code(.unavailable)
        /// A status that no other code covers, a redirect for example.
        public static let unexpectedStatus = Code(.unexpectedStatus)
        /// The body of a 2xx response cannot be decoded. The request took effect all the same.
        public static let decoding = Code(.decoding)
        /// No complete response was received; ``StacksAPIError/underlying`` says why.
        public static let transport = Code(.transport)
        /// The call's deadline passed, or the next attempt would have been after it.
        public static let deadlineExceeded = Code(.deadlineExceeded)
        /// The response to a finish was lost, and then the job was in a state in which a stack cannot finish it.
        public static let unexpectedJobState = Code(.unexpectedJobState)
        /// The task was cancelled before the response to this part of a long list. The code occurs only in
        /// ``StacksResponse/failedBatches``: a call without any result throws `CancellationError`.
        public static let cancelled = Code(.cancelled)

        /// All codes of this version.
        public static let known = Wrapped.allCases.map(Code.init)
    }
}

/// What to do about each failure.
extension StacksAPIError {
    /// What failed, in few words without dynamic values, suitable as a label: `finishJob rateLimited` or
    /// `finishJob transport connect`.
    public var shortDescription: String {
        var words = operation.map { [$0.name] } ?? []
        words.append(code.description)
        if code == .transport, let underlying { words.append(underlying.code.description) }
        return words.joined(separator: " ")
    }

    /// What to do, for people to read.
    public var advice: String {
        if code == .transport, underlying?.code == .certificate {
            return "Check the server's certificate, and configure the transport with the authorities that issued it."
        }
        return mayHaveTakenEffect ? operation?.definition.adviceInDoubt ?? code.advice : code.advice
    }
}

extension StacksAPIError.Code {
    /// Whether a call that failed with this code can succeed later. For ``transport``, ``StacksAPIError/isRetryable``
    /// is more precise.
    public var isRetryable: Bool {
        switch self {
        case .rateLimited, .serverError, .unavailable, .deadlineExceeded, .transport: true
        default: false
        }
    }

    /// What to do, for people to read and without dynamic values.
    public var advice: String {
        switch self {
        case .invalidArgument: "Correct the value that the message names."
        case .badRequest: "Report it: the server did not understand what the client sent."
        case .unauthorized: "Use a valid agent token of a cluster, or a token provider that can replace it."
        case .forbidden: "Check the token's cluster; deregister stacks that are no longer used."
        case .notFound: "Register the stack, and check its key, the queue and the job."
        case .unprocessable: "Correct the values that the server's message names."
        case .rateLimited: "Nothing if it passes: the client waits. Otherwise let fewer clients share the stack key."
        case .serverError: "Retry later; if it persists, give the request's ID to Buildkite's support."
        case .unavailable: "Retry later: the organization is temporarily unavailable."
        case .unexpectedStatus: "Check the base URL and any proxy: the response may not be Buildkite's."
        case .decoding: "Check the base URL and the package's version. The request took effect."
        case .transport: "Check the network, the proxy and the certificate authorities; retry later."
        case .deadlineExceeded: "Give the call more time, or retry later."
        case .unexpectedJobState: "Look at the job: another stack or an agent has it, or it was cancelled."
        case .cancelled: "Repeat the call for this part, from a task that is not cancelled, if it is still needed."
        default: "Read the message."
        }
    }
}
