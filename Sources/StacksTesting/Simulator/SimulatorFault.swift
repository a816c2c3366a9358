public import HTTPTypes
public import StacksTransport

/// An injected fault.
public struct SimulatorFault: Sendable {
    /// The effect of a fault.
    public struct Action: Sendable {
        enum Wrapped: Sendable {
            case respond(HTTPResponse.Status, HTTPFields, [UInt8])
            case replaceBody(HTTPFields, [UInt8])
            case failBefore(TransportError)
            case dropResponse(TransportError)
            case delayOnly
        }

        /// What the simulator as a program calls it: `refuse`, `html`, `drop` and so on.
        package let name: String
        let wrapped: Wrapped

        /// The status of the response that takes the place of the API's, if it is one.
        package var status: HTTPResponse.Status? {
            if case .respond(let status, _, _) = wrapped { status } else { nil }
        }

        /// The request is not performed, and gets this response. Missing rate-limit fields are added.
        public static func respond(
            status: HTTPResponse.Status, headerFields: HTTPFields = [:], body: [UInt8] = []
        ) -> Action { Action(name: "respond", wrapped: .respond(status, headerFields, body)) }

        /// The request is not performed, and gets an error response of the API with `message`. Its `Content-Type` is always
        /// that of JSON.
        public static func refuse(
            status: HTTPResponse.Status, message: String, headerFields: HTTPFields = [:]
        ) -> Action {
            var fields = headerFields
            fields[.contentType] = "application/json; charset=utf-8"
            return Action(
                name: "refuse",
                wrapped: .respond(status, fields, JSONText.object([("message", .string(message))]).bytes))
        }

        /// The request is not performed, and gets a proxy's HTML page without the API's header fields.
        public static func html(status: HTTPResponse.Status = .badGateway) -> Action {
            let page = "<html><head><title>\(status.code)</title></head><body><h1>\(status)</h1></body></html>\n"
            return Action(name: "html", wrapped: .respond(status, [.contentType: "text/html"], Array(page.utf8)))
        }

        /// The request is performed, but the JSON of the response is truncated. A response without a body, a 204, is as ever.
        public static let malformedJSON = Action(
            name: "malformed",
            wrapped: .replaceBody(
                [.contentType: "application/json; charset=utf-8"], Array(#"{"message": "cut of"#.utf8))
        )

        /// The request does not reach the server.
        public static func failBefore(_ error: TransportError) -> Action {
            Action(name: "disconnect", wrapped: .failBefore(error))
        }

        /// The request does not reach the server: the connection was refused.
        public static let connectionRefused = Action.failBefore(
            TransportError(code: .connect, phase: .connecting, message: "the connection was refused")
        )

        /// The request is performed, but its response is lost.
        public static func dropResponse(_ error: TransportError) -> Action {
            Action(name: "drop", wrapped: .dropResponse(error))
        }

        /// The request is performed, but its response is lost, because the connection is closed.
        public static let dropResponse = Action.dropResponse(
            TransportError(
                code: .connectionClosed, phase: .waiting,
                message: "the connection was closed before the response arrived"
            )
        )

        /// The fault only delays the response.
        public static let delayOnly = Action(name: "delay", wrapped: .delayOnly)
    }

    /// Who makes a request.
    public enum Side: String, Sendable, Hashable, CaseIterable {
        /// A stack.
        case stacks
        /// An agent, or a job's script by way of its agent.
        case agents
    }

    /// The operation that the fault affects, or `nil` for all.
    public var operation: SimulatedOperation?
    /// Whose requests it affects, or `nil` for all: a fault without an operation can be for agents alone.
    public var side: Side?
    /// The UUID of the job whose requests it affects, or `nil` for all: those with the job in their path, and those of the
    /// job's agent. A stack's requests about a list of jobs are not among them.
    public var job: String?
    /// The key of the stack whose requests it affects, as it is in their path, or `nil` for all.
    public var stack: String?
    /// The slug of the organization whose requests it affects, or `nil` for all.
    public var organization: String?
    /// The effect.
    public var action: Action
    /// The number of matching requests to skip first.
    public var skipping = 0
    /// How often the fault occurs, or `nil` for no limit.
    public var count: Int?
    /// The probability for each matching request, from the simulator's seed.
    public var probability = 1.0
    /// The delay of the response or the error. The request is performed at once; then the transport waits on its clock. So
    /// it is performed even if the caller cancels meanwhile.
    public var delay: Duration = .zero

    /// Creates a fault for the next `count` requests for `operation`.
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
    /// The outcome of a request that is not performed, or `nil` when it is performed.
    func outcomeWithoutPerforming(rate: RateStatus) -> Result<TransportResponse, TransportError>? {
        switch wrapped {
        case .respond(let status, let given, let body):
            var fields = rate.fields
            // An HTML page comes from a proxy, which sends no rate-limit fields.
            if given[.contentType]?.hasPrefix("text/html") == true { fields = [:] }
            for field in given { fields[field.name] = field.value }
            return .success(
                TransportResponse(
                    status: status, headerFields: ResponseHeaderFields(fields), body: status.allowsBody ? body : [])
            )
        case .failBefore(let error): return .failure(error)
        case .replaceBody, .dropResponse, .delayOnly: return nil
        }
    }

    /// The outcome of a request that was performed.
    func outcome(after response: TransportResponse) -> Result<TransportResponse, TransportError> {
        switch wrapped {
        case .dropResponse(let error): return .failure(error)
        case .replaceBody(let given, let body):
            guard response.status.allowsBody else { return .success(response) }
            var (response, fields) = (response, response.headerFields.fields)
            for field in given { fields[field.name] = field.value }
            response.headerFields = ResponseHeaderFields(fields)
            response.body = body
            return .success(response)
        case .respond, .failBefore, .delayOnly: return .success(response)
        }
    }
}

extension SimulatorFault {
    fileprivate func isFor(_ route: SimulatorRoute, _ subject: RequestSubject, in state: SimulatorState) -> Bool {
        if let operation, operation != route.operation { return false }
        if let side, (side == .agents) != route.operation.isAgentRequest { return false }
        if let job, job.lowercased() != subject.job { return false }
        if let stack, stack != route.stack { return false }
        if let organization, subject.organization.map({ state.organizations[$0].settings.slug }) != organization {
            return false
        }
        return true
    }
}

/// A fault with its counters.
struct FaultRecord {
    var fault: SimulatorFault
    var number: Int
    var seen = 0
    var struck = 0
}

extension StacksSimulator {
    /// The faults that are on, in the order in which they were added, with what remains of their numbers.
    public var faults: [SimulatorFault] { faults(.all).map(\.fault) }

    /// Adds a fault, unless as many are on.
    ///
    /// - Returns: Whether there was room for it.
    package func addFault(_ fault: SimulatorFault, atMost limit: Int) -> Bool {
        withState { state, _ in
            guard state.faults.count < limit else { return false }
            state.addFault(fault)
            return true
        }
    }

    /// Removes the fault with a number.
    ///
    /// - Returns: Whether it was on.
    package func removeFault(_ number: Int) -> Bool {
        withState { state, _ in
            guard let index = state.faults.firstIndex(where: { $0.number == number }) else { return false }
            state.faults.remove(at: index)
            return true
        }
    }
}

extension FaultRecord {
    /// The fault with what remains of its numbers.
    var remaining: SimulatorFault {
        var fault = fault
        fault.skipping = max(0, fault.skipping - seen)
        fault.count = fault.count.map { $0 - struck }
        return fault
    }
}

extension SimulatorState {
    mutating func addFault(_ fault: SimulatorFault) {
        faultCount += 1
        faults.append(FaultRecord(fault: fault, number: faultCount))
    }

    /// The first fault that applies to a request.
    mutating func takeFault(for route: SimulatorRoute, _ subject: RequestSubject) -> SimulatorFault? {
        for index in faults.indices {
            let fault = faults[index].fault
            guard fault.isFor(route, subject, in: self) else { continue }
            faults[index].seen += 1
            guard faults[index].seen > fault.skipping else { continue }
            if fault.probability < 1, chance.fraction() >= fault.probability { continue }
            faults[index].struck += 1
            if let count = fault.count, faults[index].struck >= count { faults.remove(at: index) }
            return fault
        }
        return nil
    }
}
