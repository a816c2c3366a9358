import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An agent's request.
struct AgentCall {
    var route: SimulatorRoute
    var request: TransportRequest
    var now: Date

    var body: [UInt8] { request.body ?? [] }

    /// The body of a request that may have none.
    func decodeIfPresent<Body: Decodable>(_ type: Body.Type) throws(Refusal) -> Body? {
        body.isEmpty ? nil : try RequestBody.decode(type, from: body)
    }
}

/// An agent's request about a job.
struct JobCall {
    var call: AgentCall
    /// The job's index.
    var job: Int
    var holder: JobHolder

    var now: Date { call.now }
}

/// Who asks, and whether they may.
///
/// An agent registers with a job acquisition token, and from then on has an access token, which is good for this agent and
/// its job. The short way is without an agent: the bearer of an acquisition token acquires the job with it. Afterwards, only
/// that token, or that agent, speaks for the job.
extension SimulatorState {
    mutating func perform(_ action: OperationRow.AgentAction, _ call: AgentCall) throws(Refusal) -> Reply {
        switch action {
        case .registration(let perform): return try perform(&self, call)
        case .anybody(let perform): return try perform(&self, call)
        case .session(let perform):
            let agent = try requireAgent(call)
            guard agents[agent].isLive else {
                throw .unauthorized("The agent is \(agents[agent].agent.state.rawValue).")
            }
            return try perform(&self, agent, call)
        case .acquisition(let perform):
            return try perform(&self, try admit(call))
        case .job(let perform): return try perform(&self, try requireHolding(try admit(call)))
        case .build(let perform):
            if let build = call.route.build {
                let job = agents[try requireAgent(call)].job
                guard jobs[job].buildID == build.lowercased() else {
                    throw .notFound("The agent's job is not of the build \(build.prefix(64)).")
                }
                return try perform(&self, try requireHolding(try admit(call, job: jobs[job].job.id)))
            }
            return try perform(&self, try requireHolding(try admit(call)))
        }
    }

    private func requireHolding(_ call: JobCall) throws(Refusal) -> JobCall {
        if jobs[call.job].holder == call.holder { return call }
        let state = jobs[call.job].job.state
        if state.isTerminal { throw .cannot("be changed", state) }
        throw .unauthorized("No agent has acquired the job with this token.")
    }

    /// The index of the agent whose access token the request has.
    private func requireAgent(_ call: AgentCall) throws(Refusal) -> Int {
        guard let agent = accessTokens[try credential(of: call.request)] else {
            throw .unauthorized("The token is not the access token of an agent.")
        }
        try requireAvailable(jobs[agents[agent].job].organization)
        return agent
    }

    /// Admits a request about a job, the one in the path unless another is given: of its agent, or of the bearer of one of its
    /// acquisition tokens. A job of another organization is not there for them.
    private func admit(_ call: AgentCall, job text: String? = nil) throws(Refusal) -> JobCall {
        let credential = try credential(of: call.request)
        let agent = accessTokens[credential]
        guard let own = agent.map({ agents[$0].job }) ?? tokens[credential]?.job else {
            throw .unauthorized("The token is neither an agent's access token nor a job acquisition token.")
        }
        if agent != nil { try requireAvailable(jobs[own].organization) }
        let job = try requireJob(text ?? call.route.job, organization: jobs[own].organization)
        guard job == own else {
            throw .unauthorized("The \(agent == nil ? "token" : "agent") is for another job.")
        }
        if let agent {
            // 422 and not 401: an agent repeats a finish that gets any other response.
            guard agents[agent].isLive else { throw .invalid("The agent is \(agents[agent].agent.state.rawValue).") }
            return JobCall(call: call, job: job, holder: .agent(agent))
        }
        guard tokens[credential]?.agent == nil else {
            throw .unauthorized("An agent has registered with the token, and has an access token.")
        }
        return JobCall(call: call, job: job, holder: .token(credential))
    }
}

extension Refusal {
    static func cannot(_ what: String, _ state: SimulatedJob.State) -> Refusal {
        .invalid("A job that is \(state) cannot \(what).")
    }
}
