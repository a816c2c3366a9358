import StacksTransport

/// Who makes a request, and for which job, as far as its path and its token say.
struct RequestSubject {
    /// The organization whose token it has.
    var organization: Int?
    /// The registered agent whose access token it has.
    var agent: Int?
    /// The UUID of the job in its path, whether it exists or not, or else of the job of its token.
    var job: String?
}

extension SimulatorState {
    func subject(of request: TransportRequest, _ route: SimulatorRoute?) -> RequestSubject {
        var subject = RequestSubject(job: route.flatMap { RequestBody.canonicalUUID($0.job) })
        guard let credential = try? credential(of: request) else { return subject }
        if let token = agentTokens[credential] {
            subject.organization = token.organization
            return subject
        }
        subject.agent = accessTokens[credential]
        guard let job = subject.agent.map({ agents[$0].job }) ?? tokens[credential]?.job else { return subject }
        subject.organization = jobs[job].organization
        subject.job = subject.job ?? jobs[job].job.id
        return subject
    }
}
