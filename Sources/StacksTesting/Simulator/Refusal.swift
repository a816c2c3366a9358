import HTTPTypes

/// An error response: its status and the values of its body.
struct Refusal: Error {
    var status: HTTPResponse.Status
    var message: String
    /// The further values in the body of a 429.
    var rateLimit: (scope: String, limit: Int, current: Int, reset: Int)?
    /// The seconds after which the request may be repeated.
    var retryAfter: Int?

    static func badRequest(_ message: String) -> Refusal { Refusal(status: .badRequest, message: message) }
    static func unauthorized(_ message: String) -> Refusal { Refusal(status: .unauthorized, message: message) }
    static func notFound(_ message: String) -> Refusal { Refusal(status: .notFound, message: message) }
    static func invalid(_ message: String) -> Refusal { Refusal(status: .unprocessableContent, message: message) }

    static func noRoute(method: HTTPRequest.Method, path: Substring) -> Refusal {
        .notFound("The simulator has no \(method.rawValue) \(path).")
    }

    var body: JSONText {
        guard let rateLimit else { return .object([("message", .string(message))]) }
        return .object([
            ("message", .string(message)), ("scope", .string(rateLimit.scope)), ("limit", .integer(rateLimit.limit)),
            ("current", .integer(rateLimit.current)), ("reset", .integer(rateLimit.reset)),
        ])
    }
}
