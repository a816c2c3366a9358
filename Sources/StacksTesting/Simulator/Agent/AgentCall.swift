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
            let job = try requireJob(call.route.job, organization: nil)
            return try perform(&self, JobCall(call: call, job: job, holder: try requireHolder(call, of: job)))
        case .job(let perform):
            let job = try requireJob(call.route.job, organization: nil)
            return try perform(&self, try jobCall(call, job: job))
        case .build(let perform):
            if let build = call.route.build {
                let job = agents[try requireAgent(call)].job
                guard jobs[job].buildID == build.lowercased() else {
                    throw .notFound("The agent's job is not of the build \(build.prefix(64)).")
                }
                return try perform(&self, try jobCall(call, job: job))
            }
            let job = try requireJob(call.route.job, organization: nil)
            return try perform(&self, try jobCall(call, job: job))
        }
    }

    private func jobCall(_ call: AgentCall, job: Int) throws(Refusal) -> JobCall {
        let holder = try requireHolder(call, of: job)
        if jobs[job].holder == holder { return JobCall(call: call, job: job, holder: holder) }
        if jobs[job].job.state.isTerminal { throw .cannot("be changed", jobs[job].job.state) }
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

    /// Who asks about a job: its agent, or the bearer of one of its acquisition tokens.
    private func requireHolder(_ call: AgentCall, of job: Int) throws(Refusal) -> JobHolder {
        let credential = try credential(of: call.request)
        if let agent = accessTokens[credential] {
            try requireAvailable(jobs[agents[agent].job].organization)
            guard agents[agent].job == job else { throw .unauthorized("The agent is for another job.") }
            // 422 and not 401: an agent repeats a finish that gets any other response.
            guard agents[agent].isLive else { throw .invalid("The agent is \(agents[agent].agent.state.rawValue).") }
            return .agent(agent)
        }
        guard let token = tokens[credential] else {
            throw .unauthorized("The token is neither an agent's access token nor a job acquisition token.")
        }
        guard token.job == job else { throw .unauthorized("The token is for another job.") }
        guard token.agent == nil else {
            throw .unauthorized("An agent has registered with the token, and has an access token.")
        }
        return .token(credential)
    }
}

extension Refusal {
    static func cannot(_ what: String, _ state: SimulatedJob.State) -> Refusal {
        .invalid("A job that is \(state) cannot \(what).")
    }
}
