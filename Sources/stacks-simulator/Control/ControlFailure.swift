import HTTPTypes

/// The error that the control side sends as its response.
struct ControlFailure: Error {
    var status: HTTPResponse.Status
    var message: String

    static func badRequest(_ message: String) -> ControlFailure {
        ControlFailure(status: .badRequest, message: message)
    }
    static func tooLarge(limit: Int) -> ControlFailure {
        ControlFailure(status: .contentTooLarge, message: "The body has more than \(limit) bytes.")
    }
    static func notFound(_ message: String) -> ControlFailure { ControlFailure(status: .notFound, message: message) }
    static func conflict(_ message: String) -> ControlFailure { ControlFailure(status: .conflict, message: message) }
}
