public import HTTPTypes
public import StacksTransport

/// Why an operation failed: what happened, in which call, and what the server said.
///
/// Its description and its fields never contain the client's token.
public struct StacksAPIError: Error, Sendable {
    /// What kind of failure it is.
    public var code: Code

    /// The operation that failed; always set in an error that a client throws.
    public var operation: StacksOperation?

    /// The HTTP status of the last response; `nil` when there was none.
    public var status: HTTPResponse.Status?

    /// What happened, for people to read.
    public var message: String

    /// The server's explanation, the `message` of its JSON; `nil` when there was none.
    public var serverMessage: String?

    /// The beginning of the response's body, at most ``maximumBodySize`` bytes. Empty when the body can contain secrets
    /// of a job.
    public var body: [UInt8]

    /// The server's identifier of the request (`X-Request-Id`), for Buildkite's support.
    public var serverRequestID: String?

    /// The endpoint's rate limit, from the last response.
    public var rateLimit: RateLimit?

    /// How long the server asked to wait, at most a day; `nil` when it did not ask.
    public var retryAfter: Duration?

    /// How many requests were sent.
    public var attempts: Int

    /// The transport's error, when there was no complete response.
    public var underlying: TransportError?

    /// Whether the request may have taken effect although the call failed.
    ///
    /// `false` is certain. If it is `true` for ``StacksOperation/finishJob``, ask for the job's state before finishing
    /// the job again.
    public var mayHaveTakenEffect: Bool

    /// A failure.
    public init(
        code: Code,
        operation: StacksOperation? = nil,
        status: HTTPResponse.Status? = nil,
        message: String,
        serverMessage: String? = nil,
        body: [UInt8] = [],
        serverRequestID: String? = nil,
        rateLimit: RateLimit? = nil,
        retryAfter: Duration? = nil,
        attempts: Int = 0,
        underlying: TransportError? = nil,
        mayHaveTakenEffect: Bool = false
    ) {
        self.code = code
        self.operation = operation
        self.status = status
        self.message = message
        self.serverMessage = serverMessage
        self.body = body
        self.serverRequestID = serverRequestID
        self.rateLimit = rateLimit
        self.retryAfter = retryAfter
        self.attempts = attempts
        self.underlying = underlying
        self.mayHaveTakenEffect = mayHaveTakenEffect
    }

    /// How much of a body an error keeps, in bytes.
    public static let maximumBodySize = 8192

    /// Whether the same call can succeed later: after too many requests, a server error, or a missing response.
    ///
    /// Whether repeating it is safe is another question: see ``mayHaveTakenEffect``.
    public var isRetryable: Bool {
        code == .transport ? underlying?.code.isTransient ?? true : code.isRetryable
    }

    /// Whether a proxy or gateway, and not the API, refused the request: the API's own refusals are JSON with a
    /// message, and this one has none.
    package var isProxyRefusal: Bool {
        guard serverMessage == nil, let status else { return false }
        return (400...499).contains(status.code) && status != .tooManyRequests
    }
}

extension StacksAPIError: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The operation, what happened, what the server said, and the number of attempts, on one line of bounded length.
    /// Invisible characters are escaped.
    public var description: String {
        var text = operation.map { "\($0.name): " } ?? ""
        text += message
        if let serverMessage { text += " The server says: \(serverMessage)" }
        if attempts > 1 { text += " (after \(attempts) attempts)" }
        return VisibleText.escaped(text, limit: 4 * VisibleText.lineLimit)
    }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows the fields, but only the size of the body.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "code": code.description,
                "operation": operation?.name as Any,
                "status": status?.code as Any,
                "message": message,
                "serverMessage": serverMessage as Any,
                "body": "\(body.count) bytes",
                "serverRequestID": serverRequestID as Any,
                "rateLimit": rateLimit as Any,
                "retryAfter": retryAfter as Any,
                "attempts": attempts,
                "underlying": underlying as Any,
                "mayHaveTakenEffect": mayHaveTakenEffect,
            ]
        )
    }
}
