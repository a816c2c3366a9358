/// The operations of the simulator: the ten of the Stacks API, and those of an agent.
public enum SimulatedOperation: String, Sendable, Hashable, CaseIterable {
    /// `POST stacks/register`
    case registerStack = "register-stack"
    /// `POST stacks/:key/deregister`
    case deregisterStack = "deregister-stack"
    /// `GET stacks/:key/scheduled-jobs`
    case listScheduledJobs = "list-scheduled-jobs"
    /// `PUT stacks/:key/scheduled-jobs/batch-reserve`
    case reserveJobs = "reserve-jobs"
    /// `GET stacks/:key/jobs/:uuid`
    case getJob = "get-job"
    /// `POST stacks/:key/jobs/get-states`
    case getJobStates = "get-job-states"
    /// `POST stacks/:key/job-acquisition-tokens`
    case issueJobAcquisitionTokens = "issue-job-acquisition-tokens"
    /// `POST stacks/:key/jobs/:uuid/finish`
    case finishJob = "finish-job"
    /// `POST stacks/:key/notifications`
    case createNotifications = "create-notifications"
    /// `GET token`
    case tokenIdentity = "token-identity"

    /// `POST register`: an agent registers with a job acquisition token, and gets its access token.
    case agentRegister = "agent-register"
    /// `POST connect`: an agent is ready.
    case agentConnect = "agent-connect"
    /// `POST heartbeat`: an agent is alive.
    case agentHeartbeat = "agent-heartbeat"
    /// `GET ping`: an agent asks what to do.
    case agentPing = "agent-ping"
    /// `POST stop`: an agent is to stop.
    case agentStop = "agent-stop"
    /// `POST pause`: an agent is to take no jobs.
    case agentPause = "agent-pause"
    /// `POST resume`: an agent may take jobs again.
    case agentResume = "agent-resume"
    /// `POST disconnect`: an agent leaves.
    case agentDisconnect = "agent-disconnect"
    /// `PUT jobs/:uuid/acquire`: an agent acquires its job.
    case agentAcquire = "agent-acquire"
    /// `PUT jobs/:uuid/accept`: an agent accepts a job that was assigned to it.
    case agentAccept = "agent-accept"
    /// `PUT jobs/:uuid/start`: an agent starts its job.
    case agentStart = "agent-start"
    /// `GET jobs/:uuid`: an agent looks whether its job was cancelled.
    case agentJobState = "agent-job-state"
    /// `POST jobs/:uuid/chunks`: an agent sends a part of the log.
    case agentLogChunk = "agent-log-chunk"
    /// `POST jobs/:uuid/header_times`: an agent says when the sections of the log began.
    case agentHeaderTimes = "agent-header-times"
    /// `PUT jobs/:uuid/promise_failure`: a job says that it will fail, before it ends.
    case agentPromiseFailure = "agent-promise-failure"
    /// `PUT jobs/:uuid/finish`: an agent finishes its job.
    case agentFinish = "agent-finish"
    /// `POST jobs/:uuid/data/set`: a job sets one value of its build's meta-data.
    case agentSetMetaData = "agent-set-meta-data"
    /// `POST jobs/:uuid/data/set-batch`: a job sets several values of its build's meta-data.
    case agentSetMetaDataBatch = "agent-set-meta-data-batch"
    /// `POST jobs/:uuid/data/get`, `POST builds/:uuid/data/get`: a job reads a value of its build's meta-data.
    case agentGetMetaData = "agent-get-meta-data"
    /// `POST jobs/:uuid/data/exists`, `POST builds/:uuid/data/exists`: a job asks for a key of its build's meta-data.
    case agentMetaDataExists = "agent-meta-data-exists"
    /// `POST jobs/:uuid/data/keys`, `POST builds/:uuid/data/keys`: a job reads the keys of its build's meta-data.
    case agentMetaDataKeys = "agent-meta-data-keys"
    /// `POST jobs/:uuid/annotations`: a job creates an annotation, replaces it, or appends to it.
    case agentAnnotate = "agent-annotate"
    /// `DELETE jobs/:uuid/annotations/:context`: a job deletes an annotation.
    case agentRemoveAnnotation = "agent-remove-annotation"
    /// `POST jobs/:uuid/artifacts`: a job creates artifacts.
    case agentCreateArtifacts = "agent-create-artifacts"
    /// `PUT jobs/:uuid/artifacts`: a job says which artifacts were uploaded.
    case agentUpdateArtifacts = "agent-update-artifacts"
    /// `POST artifacts/:batch`: an agent uploads an artifact. The simulator does not keep its bytes.
    case agentUploadArtifact = "agent-upload-artifact"
    /// `GET builds/:uuid/artifacts/search`: a job searches its build's artifacts.
    case agentSearchArtifacts = "agent-search-artifacts"

    /// Whether an agent makes the request, or a job's script by way of its agent, and not a stack.
    public var isAgentRequest: Bool {
        if case .stack = row.action { false } else { true }
    }

    /// Whether there is a stack in its path.
    package var namesStack: Bool { row.paths.contains { $0.split(separator: "/").contains(":stack") } }
    /// Whether a request needs a token, which says whose it is.
    package var needsToken: Bool {
        if case .agent(.anybody) = row.action { false } else { true }
    }
    /// Whether the response to a request that succeeds has a body.
    package var hasContent: Bool { row.hasContent }
    /// Whether a request can be for one job: the one in its path, or that of its agent.
    package var canNameJob: Bool {
        (isAgentRequest && needsToken) || row.paths.contains { $0.split(separator: "/").contains(":job") }
    }
}
