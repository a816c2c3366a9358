import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `GET jobs/:uuid`.
struct JobDocument: Codable {
    struct Event: Codable {
        var event: String
        var at: Date
        var state: String
        @Nullable var stack: String?
    }

    struct Pipeline: Codable {
        @Nullable var slug: String?
        @Nullable var uuid: String?
    }

    struct Build: Codable {
        @Nullable var uuid: String?
        @Nullable var number: Int?
        @Nullable var branch: String?
    }

    struct Step: Codable {
        @Nullable var key: String?
    }

    var id: String
    var organization: String
    var queue: String
    var state: String
    var priority: Int
    var agent_query_rules: [String]
    @Nullable var scheduled_at: Date?
    @Nullable var runnable_at: Date?
    var pipeline: Pipeline
    var build: Build
    var step: Step
    @Nullable var reserved_by: String?
    @Nullable var reservation_expires_at: Date?
    var launches: Int
    var starts: Int
    var finishes: Int
    var finish_attempts: Int
    @Nullable var exit_status: Int?
    @Nullable var detail: String?
    var notifications: [String]
    @Nullable var script: ScriptDocument?
    var history: [Event]
    var run: RunDocument

    init(_ job: SimulatedJob) {
        id = job.id
        organization = job.organization
        queue = job.queue
        state = job.state.rawValue
        let listing = job.listing
        priority = listing.priority
        agent_query_rules = listing.agentQueryRules
        scheduled_at = listing.scheduledAt
        runnable_at = listing.runnableAt
        pipeline = Pipeline(slug: listing.pipelineSlug, uuid: listing.pipelineUUID)
        build = Build(uuid: listing.buildUUID, number: listing.buildNumber, branch: listing.branch)
        step = Step(key: listing.stepKey)
        reserved_by = job.reservedBy
        reservation_expires_at = job.reservationExpiresAt
        launches = job.launches
        starts = job.starts
        finishes = job.finishes
        finish_attempts = job.finishAttempts
        exit_status = job.exitStatus
        detail = job.detail
        notifications = job.notifications
        script = job.template.script.map(ScriptDocument.init)
        run = RunDocument(job)
        history = job.history.map {
            Event(event: $0.kind.rawValue, at: $0.date, state: $0.state.rawValue, stack: $0.stack)
        }
    }
}

/// `GET jobs`.
struct JobListDocument<Job: Codable>: Codable {
    var jobs: [Job]
    var has_more: Bool
}

/// A job in `GET jobs?brief=true`.
struct BriefJobDocument: Codable {
    var id: String
    var organization: String
    var queue: String
    var state: String
    var priority: Int
    var agent_query_rules: [String]
    @Nullable var pipeline: String?
    @Nullable var build: Int?
    @Nullable var branch: String?
    @Nullable var step: String?
    @Nullable var reserved_by: String?
    @Nullable var exit_status: Int?
    @Nullable var event: String?
    @Nullable var moved_at: Date?

    init(_ job: SimulatedJob) {
        id = job.id
        organization = job.organization
        queue = job.queue
        state = job.state.rawValue
        priority = job.listing.priority
        agent_query_rules = job.listing.agentQueryRules
        pipeline = job.listing.pipelineSlug
        build = job.listing.buildNumber
        branch = job.listing.branch
        step = job.listing.stepKey
        reserved_by = job.reservedBy
        exit_status = job.exitStatus
        event = job.history.last?.kind.rawValue
        moved_at = job.history.last?.date
    }
}

/// The response to `POST jobs`.
struct AddedJobsDocument: Codable {
    /// Their UUIDs.
    var jobs: [String]
}

/// `POST jobs/:job/move`.
struct MoveDocument: Decodable {
    var state: String
}
