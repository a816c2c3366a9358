import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The outcome of a request: a response or an error, after a delay.
struct SimulatorOutcome: Sendable {
    var result: Result<TransportResponse, TransportError>
    var delay: Duration = .zero
}

/// An authenticated request within its rate limit.
struct Admission {
    var route: SimulatorRoute
    var organization: Int
    /// The UUID of its agent token.
    var tokenUUID: String
    var rate: RateStatus
    var body: [UInt8]
    var now: Date
}

/// A successful response.
struct Reply {
    var status: HTTPResponse.Status
    var body: JSONText?

    static func ok(_ members: [(String, JSONText)]) -> Reply { Reply(status: .ok, body: .object(members)) }
    static func created(_ members: [(String, JSONText)]) -> Reply { Reply(status: .created, body: .object(members)) }
    static let noContent = Reply(status: .noContent, body: nil)
}

extension SimulatorState {
    /// Responds to a request for `route` at the time `now`.
    mutating func respond(
        to request: TransportRequest, for route: Result<SimulatorRoute, Refusal>, at now: Date
    ) -> SimulatorOutcome {
        passTime(at: now)
        notes = RequestNotes()
        let subject = subject(of: request, try? route.get())
        let outcome = self.outcome(of: request, route, subject, at: now)
        let status: Int? = if case .success(let response) = outcome.result { response.status.code } else { nil }
        let (operation, notes) = ((try? route.get())?.operation, notes)
        count(subject.organization) { $0.add(operation, status: status, notes) }
        record(request, route: try? route.get(), subject, status: status, at: now)
        return outcome
    }

    private mutating func outcome(
        of request: TransportRequest, _ given: Result<SimulatorRoute, Refusal>, _ subject: RequestSubject, at now: Date
    ) -> SimulatorOutcome {
        let route: SimulatorRoute
        switch given {
        case .success(let found): route = found
        case .failure(let refusal):
            notes.message = refusal.message
            return SimulatorOutcome(result: .success(response(to: refusal, rate: defaultRate)))
        }
        guard let fault = takeFault(for: route, subject) else {
            return SimulatorOutcome(result: .success(perform(route, request: request, at: now)))
        }
        notes.hadFault = true
        if let result = fault.action.outcomeWithoutPerforming(rate: defaultRate) {
            return SimulatorOutcome(result: result, delay: fault.delay)
        }
        let response = perform(route, request: request, at: now)
        return SimulatorOutcome(result: fault.action.outcome(after: response), delay: fault.delay)
    }

    private mutating func perform(_ route: SimulatorRoute, request: TransportRequest, at now: Date) -> TransportResponse
    {
        var rate = defaultRate
        do throws(Refusal) {
            let reply: Reply
            switch route.row.action {
            case .stack(let scope, let perform):
                let token = try authenticate(try credential(of: request), at: now)
                rate = try admit(route, scope: scope, organization: token.organization, at: now)
                try checkBody(of: request, row: route.row)
                reply = try perform(
                    &self,
                    Admission(
                        route: route, organization: token.organization, tokenUUID: token.uuid, rate: rate,
                        body: request.body ?? [], now: now))
            case .agent(let action):
                try checkBody(of: request, row: route.row)
                reply = try perform(action, AgentCall(route: route, request: request, now: now))
            }
            return response(status: reply.status, body: reply.body, rate: rate)
        } catch {
            notes.message = error.message
            if let limit = error.rateLimit {
                rate = RateStatus(scope: limit.scope, limit: limit.limit, remaining: 0, reset: limit.reset)
                notes.isRateLimited = true
            }
            return response(to: error, rate: rate)
        }
    }

    // MARK: Admission

    func credential(of request: TransportRequest) throws(Refusal) -> String {
        let value = request.headerFields[.authorization] ?? ""
        guard value.hasPrefix("Token "), value.utf8.count > 6 else {
            throw .unauthorized("The Authorization field must be \"Token\" followed by a token.")
        }
        return String(value.dropFirst(6))
    }

    private func authenticate(_ text: String, at now: Date) throws(Refusal) -> AgentToken {
        guard let token = agentTokens[text] else { throw .unauthorized("The agent token is not valid.") }
        if let expiry = token.expiresAt, expiry <= now { throw .unauthorized("The agent token has expired.") }
        return token
    }

    /// Admits a request: the organization is available, the token belongs to a cluster, the stack is registered, and the
    /// rate limit is not exceeded.
    private mutating func admit(
        _ route: SimulatorRoute, scope: RateScope, organization: Int, at now: Date
    ) throws(Refusal) -> RateStatus {
        try requireAvailable(organization)
        let settings = organizations[organization].settings
        guard settings.isClustered || route.operation == .tokenIdentity else {
            throw .unauthorized("The agent token does not belong to a cluster.")
        }
        if !route.stack.isEmpty {
            guard let stack = organizations[organization].stacks[route.stack],
                stack.isRegistered || route.operation == .deregisterStack
            else { throw .notFound("No stack has the key \"\(route.stack)\".") }
        }
        let key = WindowKey(organization: organization, stack: route.stack, scope: scope.name)
        let limit = configuration.rateLimits[key.scope] ?? configuration.rateLimits["default"] ?? 10
        let unused = RateStatus(scope: key.scope, limit: limit, remaining: limit, reset: 0)
        guard scope.isLimited else { return unused }
        var window = windows[key] ?? RateWindow()
        let count = window.count(at: now)
        defer { windows[key] = window }
        guard count < limit else {
            notes.isOverLimit = true
            guard configuration.enforcesRateLimits else { return unused }
            throw Refusal(
                status: .tooManyRequests,
                message: "The rate limit of \(limit) requests per second for \(key.scope) is exceeded.",
                rateLimit: (key.scope, limit, count, max(1, window.reset(at: now)))
            )
        }
        window.add(now)
        guard configuration.enforcesRateLimits else { return unused }
        return RateStatus(
            scope: key.scope, limit: limit, remaining: limit - count - 1, reset: window.reset(at: now)
        )
    }

    func requireAvailable(_ organization: Int) throws(Refusal) {
        if organizations[organization].settings.isUnavailable {
            throw Refusal(status: .serviceUnavailable, message: "The organization is temporarily unavailable.")
        }
    }

    private func checkBody(of request: TransportRequest, row: OperationRow) throws(Refusal) {
        switch row.body {
        case .any: return
        case .none: guard request.body?.isEmpty ?? true else { throw .badRequest("This request must not have a body.") }
        case .json:
            let type = (request.headerFields[.contentType] ?? "").split(separator: ";").first.map(String.init) ?? ""
            guard type.lowercased() == "application/json" else {
                throw .badRequest("The Content-Type is \"\(type)\"; it must be application/json.")
            }
        }
    }

    // MARK: Responses

    /// The rate status of a response before admission.
    private var defaultRate: RateStatus {
        let limit = configuration.rateLimits["default"] ?? 10
        return RateStatus(scope: "default", limit: limit, remaining: limit, reset: 0)
    }

    private func response(to refusal: Refusal, rate: RateStatus) -> TransportResponse {
        var response = response(status: refusal.status, body: refusal.body, rate: rate)
        let rateReset = configuration.sendsRetryAfter ? refusal.rateLimit?.reset : nil
        if let seconds = refusal.retryAfter ?? rateReset {
            var fields = response.headerFields.fields
            fields[.retryAfter] = String(seconds)
            response.headerFields = ResponseHeaderFields(fields)
        }
        return response
    }

    private func response(status: HTTPResponse.Status, body: JSONText?, rate: RateStatus) -> TransportResponse {
        var fields = rate.fields
        if body != nil { fields[.contentType] = "application/json; charset=utf-8" }
        return TransportResponse(status: status, headerFields: ResponseHeaderFields(fields), body: body?.bytes ?? [])
    }
}

extension RateStatus {
    private static let names = ["RateLimit-Scope", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]
        .compactMap { HTTPField.Name($0) }

    /// The four header fields.
    var fields: HTTPFields {
        var fields = HTTPFields()
        for (name, value) in zip(Self.names, [scope, String(limit), String(remaining), String(reset)]) {
            fields.append(HTTPField(name: name, value: value))
        }
        return fields
    }
}
