#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A job that is ready to run, as the list of scheduled jobs describes it.
public struct ScheduledJob: Sendable, Hashable, Identifiable {
    /// The job's identifier, a UUID.
    public var id: JobID
    /// Jobs with a higher priority come first. The default is 0; it may be negative.
    public var priority: Int
    /// The rules that the job's agent must match, `["queue=default", "os=linux"]` for example.
    public var agentQueryRules: [String]
    /// When the job was scheduled.
    public var scheduledAt: Date?
    /// When the job became ready to run; older servers do not send it.
    public var runnableAt: Date?
    /// The pipeline that the job belongs to.
    public var pipeline: Pipeline
    /// The build that the job belongs to.
    public var build: Build
    /// The step that the job belongs to.
    public var step: Step

    /// A scheduled job.
    public init(
        id: JobID,
        priority: Int = 0,
        agentQueryRules: [String] = [],
        scheduledAt: Date? = nil,
        runnableAt: Date? = nil,
        pipeline: Pipeline = Pipeline(),
        build: Build = Build(),
        step: Step = Step()
    ) {
        self.id = id
        self.priority = priority
        self.agentQueryRules = agentQueryRules
        self.scheduledAt = scheduledAt
        self.runnableAt = runnableAt
        self.pipeline = pipeline
        self.build = build
        self.step = step
    }

    /// A job's pipeline. Any value can be missing.
    public struct Pipeline: Sendable, Hashable {
        /// The pipeline's slug, as in its URL.
        public var slug: String?
        /// The pipeline's identifier.
        public var uuid: PipelineID?

        /// A pipeline.
        public init(slug: String? = nil, uuid: PipelineID? = nil) {
            self.slug = slug
            self.uuid = uuid
        }
    }

    /// A job's build. Any value can be missing.
    public struct Build: Sendable, Hashable {
        /// The build's identifier.
        public var uuid: BuildID?
        /// The build's number within its pipeline.
        public var number: Int?
        /// The branch that is built.
        public var branch: String?

        /// A build.
        public init(uuid: BuildID? = nil, number: Int? = nil, branch: String? = nil) {
            self.uuid = uuid
            self.number = number
            self.branch = branch
        }
    }

    /// A job's step. Any value can be missing.
    public struct Step: Sendable, Hashable {
        /// The step's key, if the pipeline sets one.
        public var key: String?

        /// A step.
        public init(key: String? = nil) { self.key = key }
    }
}

/// The identifier of a job.
public typealias JobID = Identifier<ScheduledJob>
/// The identifier of a build.
public typealias BuildID = Identifier<ScheduledJob.Build>
/// The identifier of a pipeline.
public typealias PipelineID = Identifier<ScheduledJob.Pipeline>
