import StacksTransport

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
        guard mayHaveTakenEffect else { return code.advice }
        switch operation {
        case .finishJob: return "The job may be finished: ask for its state before finishing it again."
        case .notify: return "The notifications may have been created: sent again, they could show twice."
        default: return code.advice
        }
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
