import HTTPTypes

/// All that the simulator knows of an operation: how it is asked for, by whom, and what it does.
struct OperationRow: Sendable {
    /// What a request may have as its body.
    enum Body {
        case none
        /// JSON, with that content type.
        case json
        /// Anything, which the operation reads itself or ignores.
        case any
    }

    /// Who may ask, and what happens then.
    enum Action: Sendable {
        /// A stack, with an agent token.
        case stack(RateScope, @Sendable (inout SimulatorState, Admission) throws(Refusal) -> Reply)
        /// An agent, or a job's script.
        case agent(AgentAction)
    }

    enum AgentAction: Sendable {
        /// An agent that has only a job acquisition token yet.
        case registration(@Sendable (inout SimulatorState, AgentCall) throws(Refusal) -> Reply)
        /// An agent, with its access token, by its index.
        case session(@Sendable (inout SimulatorState, Int, AgentCall) throws(Refusal) -> Reply)
        /// Whoever may acquire the job in the path: its agent, or the bearer of one of its tokens.
        case acquisition(@Sendable (inout SimulatorState, JobCall) throws(Refusal) -> Reply)
        /// Whoever has acquired the job in the path.
        case job(@Sendable (inout SimulatorState, JobCall) throws(Refusal) -> Reply)
        /// The agent of a job, about the build in the path.
        case build(@Sendable (inout SimulatorState, JobCall) throws(Refusal) -> Reply)
        /// Anybody who knows the path.
        case anybody(@Sendable (inout SimulatorState, AgentCall) throws(Refusal) -> Reply)
    }

    var method: HTTPRequest.Method
    /// The paths under the base path. A segment with a colon stands for a value.
    var paths: [String]
    var body: Body
    /// Whether the response to a request that succeeds has a body. If not, its status is 204.
    var hasContent: Bool
    var action: Action

    init(
        _ method: HTTPRequest.Method, _ paths: String..., body: Body, hasContent: Bool = true, _ action: Action
    ) {
        self.method = method
        self.paths = paths
        self.body = body
        self.hasContent = hasContent
        self.action = action
    }
}

/// The rate limit of an operation.
struct RateScope {
    /// The `RateLimit-Scope` of its responses.
    var name: String
    /// Whether its requests count against the limit of a stack.
    var isLimited = true

    static let unlimited = RateScope(name: "default", isLimited: false)
    static func limited(_ name: String) -> RateScope { RateScope(name: name) }
}

extension SimulatedOperation {
    /// The operation's row. There is no other place that tells operations apart.
    var row: OperationRow {
        switch self {
        case .registerStack:
            OperationRow(
                .post, "stacks/register", body: .json,
                .stack(.unlimited) { state, call throws(Refusal) in try state.registerStack(call) })
        case .deregisterStack:
            OperationRow(
                .post, "stacks/:stack/deregister", body: .none, hasContent: false,
                .stack(.limited("default")) { state, call throws(Refusal) in try state.deregisterStack(call) })
        case .listScheduledJobs:
            OperationRow(
                .get, "stacks/:stack/scheduled-jobs", body: .none,
                .stack(.limited("list-scheduled-jobs")) { state, call throws(Refusal) in
                    try state.listScheduledJobs(call)
                })
        case .reserveJobs:
            OperationRow(
                .put, "stacks/:stack/scheduled-jobs/batch-reserve", body: .json,
                .stack(.limited("batch-reserve")) { state, call throws(Refusal) in try state.reserveJobs(call) })
        case .getJob:
            OperationRow(
                .get, "stacks/:stack/jobs/:job", body: .none,
                .stack(.limited("show-job")) { state, call throws(Refusal) in try state.getJob(call) })
        case .getJobStates:
            OperationRow(
                .post, "stacks/:stack/jobs/get-states", body: .json,
                .stack(.limited("batch-load-job-states")) { state, call throws(Refusal) in try state.getJobStates(call)
                })
        case .issueJobAcquisitionTokens:
            OperationRow(
                .post, "stacks/:stack/job-acquisition-tokens", body: .json,
                .stack(.limited("job-acquisition-tokens")) { state, call throws(Refusal) in try state.issueTokens(call)
                })
        case .finishJob:
            OperationRow(
                .post, "stacks/:stack/jobs/:job/finish", body: .json,
                .stack(.limited("finish-job")) { state, call throws(Refusal) in try state.finishJob(call) })
        case .createNotifications:
            OperationRow(
                .post, "stacks/:stack/notifications", body: .json,
                .stack(.limited("stack-notification")) { state, call throws(Refusal) in
                    try state.createNotifications(call)
                })
        case .tokenIdentity:
            OperationRow(
                .get, "token", body: .none,
                .stack(.unlimited) { state, call throws(Refusal) in try state.tokenIdentity(call) })

        case .agentRegister:
            OperationRow(
                .post, "register", body: .json,
                .agent(.registration { state, call throws(Refusal) in try state.registerAgent(call) }))
        case .agentConnect: OperationRow(.post, "connect", body: .any, .agent(.session { $0.connect($1, $2) }))
        case .agentHeartbeat:
            OperationRow(
                .post, "heartbeat", body: .json,
                .agent(.session { state, agent, call throws(Refusal) in try state.heartbeat(agent, call) }))
        case .agentPing: OperationRow(.get, "ping", body: .any, .agent(.session { $0.ping($1, $2) }))
        case .agentStop:
            OperationRow(
                .post, "stop", body: .any,
                .agent(.session { state, agent, call throws(Refusal) in try state.stop(agent, call) }))
        case .agentPause:
            OperationRow(
                .post, "pause", body: .any,
                .agent(.session { state, agent, call throws(Refusal) in try state.pause(agent, call) }))
        case .agentResume: OperationRow(.post, "resume", body: .any, .agent(.session { $0.resume($1, $2) }))
        case .agentDisconnect: OperationRow(.post, "disconnect", body: .any, .agent(.session { $0.disconnect($1, $2) }))
        case .agentAcquire:
            OperationRow(
                .put, "jobs/:job/acquire", body: .any,
                .agent(.acquisition { state, call throws(Refusal) in try state.acquire(call) }))
        case .agentAccept:
            OperationRow(
                .put, "jobs/:job/accept", body: .any,
                .agent(.job { state, call throws(Refusal) in try state.accept(call) }))
        case .agentStart:
            OperationRow(
                .put, "jobs/:job/start", body: .any,
                .agent(.job { state, call throws(Refusal) in try state.start(call) }))
        case .agentJobState: OperationRow(.get, "jobs/:job", body: .any, .agent(.job { $0.jobState($1) }))
        case .agentLogChunk:
            OperationRow(
                .post, "jobs/:job/chunks", body: .any,
                .agent(.job { state, call throws(Refusal) in try state.addLogChunk(call) }))
        case .agentHeaderTimes:
            OperationRow(
                .post, "jobs/:job/header_times", body: .json,
                .agent(.job { state, call throws(Refusal) in try state.addHeaderTimes(call) }))
        case .agentPromiseFailure:
            OperationRow(
                .put, "jobs/:job/promise_failure", body: .json,
                .agent(.job { state, call throws(Refusal) in try state.promiseFailure(call) }))
        // The short way has always been without a content type.
        case .agentFinish:
            OperationRow(
                .put, "jobs/:job/finish", body: .any,
                .agent(.job { state, call throws(Refusal) in try state.finish(call) }))
        case .agentSetMetaData:
            OperationRow(
                .post, "jobs/:job/data/set", body: .json,
                .agent(.job { state, call throws(Refusal) in try state.setMetaData(call) }))
        case .agentSetMetaDataBatch:
            OperationRow(
                .post, "jobs/:job/data/set-batch", body: .json,
                .agent(.job { state, call throws(Refusal) in try state.setMetaDataBatch(call) }))
        case .agentGetMetaData:
            OperationRow(
                .post, "jobs/:job/data/get", "builds/:build/data/get", body: .json,
                .agent(.build { state, call throws(Refusal) in try state.getMetaData(call) }))
        case .agentMetaDataExists:
            OperationRow(
                .post, "jobs/:job/data/exists", "builds/:build/data/exists", body: .json,
                .agent(.build { state, call throws(Refusal) in try state.metaDataExists(call) }))
        case .agentMetaDataKeys:
            OperationRow(
                .post, "jobs/:job/data/keys", "builds/:build/data/keys", body: .any,
                .agent(.build { $0.metaDataKeys($1) }))
        case .agentAnnotate:
            OperationRow(
                .post, "jobs/:job/annotations", body: .json,
                .agent(.job { state, call throws(Refusal) in try state.annotate(call) }))
        case .agentRemoveAnnotation:
            OperationRow(
                .delete, "jobs/:job/annotations/:context", body: .any, hasContent: false,
                .agent(.job { state, call throws(Refusal) in try state.removeAnnotation(call) }))
        case .agentCreateArtifacts:
            OperationRow(
                .post, "jobs/:job/artifacts", body: .json,
                .agent(.job { state, call throws(Refusal) in try state.createArtifacts(call) }))
        case .agentUpdateArtifacts:
            OperationRow(
                .put, "jobs/:job/artifacts", body: .json,
                .agent(.job { state, call throws(Refusal) in try state.updateArtifacts(call) }))
        case .agentUploadArtifact:
            OperationRow(
                .post, "artifacts/:batch", body: .any, hasContent: false,
                .agent(.anybody { state, call throws(Refusal) in try state.uploadArtifact(call) }))
        case .agentSearchArtifacts:
            OperationRow(
                .get, "builds/:build/artifacts/search", body: .any,
                .agent(.build { state, call throws(Refusal) in try state.searchArtifacts(call) }))
        }
    }
}
