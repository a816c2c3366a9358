import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `POST jobs`: all of it may be left out. What describes the jobs has the names of a listing; null is null there too.
struct AddJobsDocument: Decodable {
    var count: Int?
    var queue: String?
    var organization: String?
    var template = SimulatedJob.Template()

    /// How many jobs can be added at once.
    static let largestCount = 1_000_000

    static let members: [ControlMember] =
        [
            ControlMember(name: "count", kind: .integer(1...largestCount), about: "how many; 1 when left out"),
            ControlMember(name: "queue", kind: .queue, about: "the default queue when left out"),
            .organization,
        ] + templateMembers

    /// What is said of a job.
    static let templateMembers: [ControlMember] = [
        ControlMember(name: "priority", kind: .integer(Int.min...Int.max)),
        ControlMember(name: "agent_query_rules", kind: .list(of: .text(upTo: 65_536), upTo: 1000)),
        ControlMember(name: "scheduled_at", kind: .date, takesNull: true),
        ControlMember(name: "runnable_at", kind: .date, takesNull: true),
        ControlMember(
            name: "pipeline",
            kind: .object([
                ControlMember(name: "slug", kind: .listed, takesNull: true),
                ControlMember(name: "uuid", kind: .listed, takesNull: true),
            ])),
        ControlMember(
            name: "build",
            kind: .object([
                ControlMember(name: "uuid", kind: .listed, takesNull: true),
                ControlMember(name: "number", kind: .integer(Int.min...Int.max), takesNull: true),
                ControlMember(name: "branch", kind: .listed, takesNull: true),
            ])),
        ControlMember(
            name: "step", kind: .object([ControlMember(name: "key", kind: .listed, takesNull: true)])),
        ControlMember(name: "env", kind: .texts),
        ControlMember(name: "command", kind: .text(upTo: 1 << 20)),
        ScriptDocument.member, .state(isRequired: false), .allowUnknownState,
    ]

    private enum Key: String, CodingKey {
        case count, queue, priority, agent_query_rules, scheduled_at, runnable_at, pipeline, build, step, env, command
        case script, state, organization
        case slug, uuid, number, branch, key
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        count = try fields.decodeIfPresent(Int.self, forKey: .count)
        queue = try fields.decodeIfPresent(String.self, forKey: .queue)
        organization = try fields.decodeIfPresent(String.self, forKey: .organization)
        template.priority = try fields.decodeIfPresent(Int.self, forKey: .priority) ?? template.priority
        template.agentQueryRules =
            try fields.decodeIfPresent([String].self, forKey: .agent_query_rules) ?? template.agentQueryRules
        template.scheduledAt = try Self.date(.scheduled_at, in: fields)
        template.runnableAt = try Self.date(.runnable_at, in: fields)
        if fields.contains(.pipeline) {
            let pipeline = try fields.nestedContainer(keyedBy: Key.self, forKey: .pipeline)
            template.pipelineSlug = try Self.text(.slug, in: pipeline, or: template.pipelineSlug)
            template.pipelineUUID = try Self.field(.uuid, in: pipeline)
        }
        if fields.contains(.build) {
            let build = try fields.nestedContainer(keyedBy: Key.self, forKey: .build)
            template.buildUUID = try Self.field(.uuid, in: build)
            template.buildNumber = try Self.field(.number, in: build)
            template.branch = try Self.text(.branch, in: build, or: template.branch)
        }
        if fields.contains(.step) {
            let step = try fields.nestedContainer(keyedBy: Key.self, forKey: .step)
            template.stepKey = try Self.text(.key, in: step, or: template.stepKey)
        }
        template.environment =
            try fields.decodeIfPresent([String: String].self, forKey: .env) ?? template.environment
        template.command = try fields.decodeIfPresent(String.self, forKey: .command) ?? template.command
        template.script = try fields.decodeIfPresent(ScriptDocument.self, forKey: .script)?.script
        if let state = try fields.decodeIfPresent(String.self, forKey: .state) {
            template.state = .init(rawValue: state)
        }
    }

    /// What a document has under a key: nothing, null, or a value.
    private static func field<Value: Decodable & Sendable & Hashable>(
        _ key: Key, in fields: KeyedDecodingContainer<Key>
    ) throws -> SimulatedJob.Field<Value> {
        fields.contains(key) ? .given(try fields.decodeIfPresent(Value.self, forKey: key)) : .assigned
    }

    private static func text(
        _ key: Key, in fields: KeyedDecodingContainer<Key>, or missing: String?
    ) throws -> String? {
        fields.contains(key) ? try fields.decodeIfPresent(String.self, forKey: key) : missing
    }

    private static func date(
        _ key: Key, in fields: KeyedDecodingContainer<Key>
    ) throws -> SimulatedJob.Field<Date> {
        guard case .given(let text) = try field(key, in: fields) as SimulatedJob.Field<String> else { return .assigned }
        return .given(
            try text.map { text in
                guard let date = Date(iso8601: text) else {
                    throw DecodingError.dataCorruptedError(forKey: key, in: fields, debugDescription: "not a date")
                }
                return date
            })
    }
}

extension ControlMember.Kind {
    /// A text of a listing, which may be anything there.
    fileprivate static let listed = ControlMember.Kind.text(upTo: 1 << 20)
}
