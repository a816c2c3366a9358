public import HTTPTypes
public import StacksTransport

/// Why an operation failed: what happened, on which call, what the server said.
///
/// Neither its description nor any of its fields holds the client's token.
public struct StacksAPIError: Error, Sendable {
    /// What kind of failure it is.
    public var code: Code

    /// The operation that failed; `nil` when a client could not be made.
    public var operation: StacksOperation?

    /// The HTTP status of the last answer, or `nil` when there was none.
    public var status: HTTPResponse.Status?

    /// What happened and what to do, in words for a person.
    public var message: String

    /// What the server said, the `message` of its JSON; `nil` when it said nothing readable.
    public var serverMessage: String?

    /// The beginning of the answer's body as it arrived, at most ``maximumBodySize`` bytes. Empty when the body can
    /// hold secrets of a job.
    public var body: [UInt8]

    /// The server's own name for the request (`X-Request-Id`), for Buildkite's support.
    public var serverRequestID: String?

    /// The endpoint's rate limit, as the last answer told it.
    public var rateLimit: RateLimit?

    /// How long the server asked to wait, at most a day, or `nil` when it did not ask.
    public var retryAfter: Duration?

    /// How many requests were sent.
    public var attempts: Int

    /// What the transport said, when it had no answer.
    public var underlying: TransportError?

    /// Whether the server may have done what was asked for, although the call failed.
    ///
    /// `false` is certain. When it is `true` for ``StacksOperation/finishJob``, ask for the job's state before
    /// finishing it again.
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

    /// How much of a body is kept, in bytes.
    public static let maximumBodySize = 8192

    /// Whether the same call can succeed later without anything being changed: too many requests, a server error, no
    /// answer.
    ///
    /// Whether repeating it does harm is another question: see ``mayHaveTakenEffect``.
    public var isRetryable: Bool {
        code == .transport ? underlying?.code.isTransient ?? true : code.isRetryable
    }

    /// Whether somebody before the API refused the request: every refusal of the API itself is JSON with a message, and
    /// this one has none. It passes when whoever stands between lets requests through again.
    package var isProxyRefusal: Bool {
        guard serverMessage == nil, let status else { return false }
        return (400...499).contains(status.code) && status != .tooManyRequests
    }
}

extension StacksAPIError: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The operation, what happened, what the server said, and after how many attempts: on one line, of bounded length,
    /// with an escape for each character that cannot be seen.
    public var description: String {
        var text = operation.map { "\($0.name): " } ?? ""
        text += message
        if let serverMessage { text += " The server says: \(serverMessage)" }
        if attempts > 1 { text += " (after \(attempts) attempts)" }
        return VisibleText.escaped(text, limit: 4 * VisibleText.lineLimit)
    }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows the fields, of the body its size alone.
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
