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
