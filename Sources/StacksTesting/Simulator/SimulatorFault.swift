public import HTTPTypes
public import StacksTransport

/// Something that goes wrong on purpose.
public struct SimulatorFault: Sendable {
    /// What goes wrong.
    public struct Action: Sendable {
        enum Wrapped: Sendable {
            case respond(HTTPResponse.Status, HTTPFields, [UInt8])
            case replaceBody(HTTPFields, [UInt8])
            case failBefore(TransportError)
            case dropAnswer(TransportError)
            case delayOnly
        }

        let wrapped: Wrapped

        /// The request is not performed; this is the answer. The four rate-limit fields are added where they are not
        /// given.
        public static func respond(
            status: HTTPResponse.Status, headerFields: HTTPFields = [:], body: [UInt8] = []
        ) -> Action { Action(wrapped: .respond(status, headerFields, body)) }

        /// The request is not performed; the answer is the API's error shape with `message`.
        public static func refuse(
            status: HTTPResponse.Status, message: String, headerFields: HTTPFields = [:]
        ) -> Action {
            var fields = headerFields
            fields[.contentType] = "application/json; charset=utf-8"
            return Action(wrapped: .respond(status, fields, JSONText.object([("message", .string(message))]).bytes))
        }

        /// The request is not performed; a proxy answers with a page of HTML and none of the API's header fields.
        public static func html(status: HTTPResponse.Status = .badGateway) -> Action {
            let page = "<html><head><title>\(status.code)</title></head><body><h1>\(status)</h1></body></html>\n"
            return Action(wrapped: .respond(status, [.contentType: "text/html"], Array(page.utf8)))
        }

        /// The request is performed; the answer's body is cut in the middle of its JSON.
        public static let malformedJSON = Action(
            wrapped: .replaceBody(
                [.contentType: "application/json; charset=utf-8"], Array(#"{"message": "cut of"#.utf8))
        )

        /// The request does not reach the server.
        public static func failBefore(_ error: TransportError) -> Action { Action(wrapped: .failBefore(error)) }

        /// The request does not reach the server: the connection was refused.
        public static let connectionRefused = Action.failBefore(
            TransportError(code: .connect, phase: .connecting, message: "The connection was refused.")
        )

        /// The request is performed, and its answer is lost.
        public static func dropAnswer(_ error: TransportError) -> Action { Action(wrapped: .dropAnswer(error)) }

        /// The request is performed, and its answer is lost: the connection was closed.
        public static let dropAnswer = Action.dropAnswer(
            TransportError(
                code: .connectionClosed, phase: .waiting, message: "The connection was closed before the answer came."
            )
        )

        /// Nothing but the fault's delay.
        public static let delayOnly = Action(wrapped: .delayOnly)
    }

    /// The operation that it strikes, or `nil` for all.
    public var operation: SimulatedOperation?
    /// What goes wrong.
    public var action: Action
    /// How many matching requests pass before it strikes.
    public var skipping = 0
    /// How often it strikes, or `nil` for ever.
    public var count: Int?
    /// The chance with which it strikes a matching request, from the simulator's seed.
    public var probability = 1.0
    /// How long the answer, or the failure, takes. What is performed is performed at once; the transport then waits on
    /// its own clock before it tells, so that a caller that gives up early has been heard all the same.
    public var delay: Duration = .zero

    /// A fault that strikes the next `count` requests for `operation`.
    public init(
        _ action: Action, for operation: SimulatedOperation? = nil, count: Int? = 1, skipping: Int = 0,
        probability: Double = 1, delay: Duration = .zero
    ) {
        self.operation = operation
        self.action = action
        self.count = count
        self.skipping = skipping
        self.probability = probability
        self.delay = delay
    }
}

extension SimulatorFault.Action {
    /// The outcome of a request that is not performed; `nil` when it has to be performed.
    func answerInstead(rate: RateStatus) -> Result<TransportResponse, TransportError>? {
        switch wrapped {
        case .respond(let status, let given, let body):
            var fields = rate.fields
            // A page of HTML comes from a proxy, which knows nothing of rate limits.
            if given[.contentType]?.hasPrefix("text/html") == true { fields = [:] }
            for field in given { fields[field.name] = field.value }
            return .success(
                TransportResponse(status: status, headerFields: ResponseHeaderFields(fields), body: body)
            )
        case .failBefore(let error): return .failure(error)
        case .replaceBody, .dropAnswer, .delayOnly: return nil
        }
    }

    /// What becomes of the answer to a request that was performed.
    func answer(after response: TransportResponse) -> Result<TransportResponse, TransportError> {
        switch wrapped {
        case .dropAnswer(let error): return .failure(error)
        case .replaceBody(let given, let body):
            var (response, fields) = (response, response.headerFields.fields)
            for field in given { fields[field.name] = field.value }
            response.headerFields = ResponseHeaderFields(fields)
            response.body = body
            return .success(response)
        case .respond, .failBefore, .delayOnly: return .success(response)
        }
    }
}

/// A fault and how often it has struck.
struct FaultRecord {
    var fault: SimulatorFault
    var seen = 0
    var struck = 0
}

extension SimulatorState {
    /// The first fault that strikes a request for `operation`.
    mutating func takeFault(for operation: SimulatedOperation) -> SimulatorFault? {
        for index in faults.indices {
            let fault = faults[index].fault
            guard fault.operation == nil || fault.operation == operation else { continue }
            faults[index].seen += 1
            guard faults[index].seen > fault.skipping else { continue }
            if fault.probability < 1, chance.fraction() >= fault.probability { continue }
            faults[index].struck += 1
            if let count = fault.count, faults[index].struck >= count { faults.remove(at: index) }
            counts.faults += 1
            return fault
        }
        return nil
    }
}
