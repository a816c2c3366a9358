import HTTPTypes
import StacksTransport

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
