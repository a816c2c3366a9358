#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension SimulatedJob {
    /// A property of a new job to which the simulator assigns a value, unless a test gives it one. A literal gives a value,
    /// and `nil` gives null: `template.buildNumber = 7`, `template.runnableAt = nil`.
    public enum Field<Value: Sendable & Hashable>: Sendable, Hashable, ExpressibleByNilLiteral {
        /// The simulator assigns the value.
        case assigned
        /// The value, or `nil` for null in a listing.
        case given(Value?)

        /// Null.
        public init(nilLiteral: ()) { self = .given(nil) }

        /// The given value, or `value`.
        func value(or value: @autoclosure () -> Value?) -> Value? {
            switch self {
            case .assigned: value()
            case .given(let given): given
            }
        }
    }

    /// A job as a listing describes it: the properties of the library's `ScheduledJob`.
    public struct Listing: Sendable, Hashable {
        /// The priority, higher first.
        public var priority: Int
        /// The agent query rules, with the `queue` rule.
        public var agentQueryRules: [String]
        /// When the job was scheduled.
        public var scheduledAt: Date?
        /// When the job became ready to run.
        public var runnableAt: Date?
        /// The slug of the pipeline.
        public var pipelineSlug: String?
        /// The UUID of the pipeline.
        public var pipelineUUID: String?
        /// The UUID of the build.
        public var buildUUID: String?
        /// The number of the build.
        public var buildNumber: Int?
        /// The branch of the build.
        public var branch: String?
        /// The key of the step.
        public var stepKey: String?
    }
}

extension SimulatedJob.Field: ExpressibleByIntegerLiteral where Value == Int {
    /// The number in the literal.
    public init(integerLiteral value: Int) { self = .given(value) }
}

extension SimulatedJob.Field: ExpressibleByUnicodeScalarLiteral, ExpressibleByExtendedGraphemeClusterLiteral,
    ExpressibleByStringLiteral
where Value == String {
    /// The text in the literal.
    public init(stringLiteral value: String) { self = .given(value) }
}

extension SimulatedJob.Listing {
    init(
        _ template: SimulatedJob.Template, queueRule: String, scheduledAt: Date, build: SimulatorState.Build
    ) {
        let hasQueueRule = template.agentQueryRules.contains { $0.hasPrefix("queue=") }
        self.init(
            priority: template.priority,
            agentQueryRules: (hasQueueRule ? [] : [queueRule]) + template.agentQueryRules,
            scheduledAt: template.scheduledAt.value(or: scheduledAt),
            runnableAt: template.runnableAt.value(or: scheduledAt),
            pipelineSlug: template.pipelineSlug,
            pipelineUUID: template.pipelineUUID.value(or: build.pipeline),
            buildUUID: template.buildUUID.value(or: build.uuid),
            buildNumber: template.buildNumber.value(or: build.number),
            branch: template.branch,
            stepKey: template.stepKey
        )
    }

    /// The job's object in the list of scheduled jobs.
    func json(id: String) -> JSONText {
        .object([
            ("id", .string(id)), ("priority", .integer(priority)), ("agent_query_rules", .strings(agentQueryRules)),
            ("scheduled_at", .optional(scheduledAt?.iso8601)), ("runnable_at", .optional(runnableAt?.iso8601)),
            ("pipeline", .object([("slug", .optional(pipelineSlug)), ("uuid", .optional(pipelineUUID))])),
            (
                "build",
                .object([
                    ("uuid", .optional(buildUUID)), ("number", buildNumber.map(JSONText.integer) ?? .null),
                    ("branch", .optional(branch)),
                ])
            ),
            ("step", .object([("key", .optional(stepKey))])),
        ])
    }
}

extension SimulatedJob.Template {
    /// How many bytes a job of this kind takes in a listing, of which the simulator keeps them for each job.
    package func listedSize(queue: String) -> Int {
        let uuid = "00000000-0000-4000-8000-000000000000"
        let listing = SimulatedJob.Listing(
            self, queueRule: "queue=\(queue)", scheduledAt: Date(timeIntervalSince1970: 0),
            build: .init(uuid: uuid, number: 1_000_000, pipeline: uuid))
        return listing.json(id: uuid).bytes.count
    }

    /// How many bytes the job writes to its log, which the simulator keeps for each job that it plays.
    package var logSize: Int { script?.output.reduce(0) { $0 + $1.text.utf8.count } ?? 0 }
}
