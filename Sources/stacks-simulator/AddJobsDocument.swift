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
    var template = SimulatedJob.Template()

    private enum Key: String, CodingKey {
        case count, queue, priority, agent_query_rules, scheduled_at, runnable_at, pipeline, build, step, env, command
        case state
        case slug, uuid, number, branch, key
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        count = try fields.decodeIfPresent(Int.self, forKey: .count)
        queue = try fields.decodeIfPresent(String.self, forKey: .queue)
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
        template.state =
            try fields.decodeIfPresent(String.self, forKey: .state).map(SimulatedJob.State.init(rawValue:))
            ?? template.state
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
