import StacksAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A job as JSON, with the API's field names: as it was listed, and with its details what it runs too.
struct JobDocument: Encodable {
    let job: ScheduledJob
    /// Its command and environment, if they are to be in it.
    let details: Job?

    private struct Field: CodingKey, ExpressibleByStringLiteral {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringLiteral value: String) { stringValue = value }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The document's text, which ends with a line end.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    func encode(to encoder: any Encoder) throws {
        // What is missing is null, as in a listing.
        var fields = encoder.container(keyedBy: Field.self)
        try fields.encode(job.id.description, forKey: "id")
        try fields.encode(job.priority, forKey: "priority")
        try fields.encode(job.agentQueryRules, forKey: "agent_query_rules")
        try fields.encode(job.scheduledAt.flatMap { ISO8601.text($0) }, forKey: "scheduled_at")
        try fields.encode(job.runnableAt.flatMap { ISO8601.text($0) }, forKey: "runnable_at")
        var pipeline = fields.nestedContainer(keyedBy: Field.self, forKey: "pipeline")
        try pipeline.encode(job.pipeline.slug, forKey: "slug")
        try pipeline.encode(job.pipeline.uuid?.description, forKey: "uuid")
        var build = fields.nestedContainer(keyedBy: Field.self, forKey: "build")
        try build.encode(job.build.uuid?.description, forKey: "uuid")
        try build.encode(job.build.number, forKey: "number")
        try build.encode(job.build.branch, forKey: "branch")
        var step = fields.nestedContainer(keyedBy: Field.self, forKey: "step")
        try step.encode(job.step.key, forKey: "key")
        guard let details else { return }
        try fields.encode(details.environment, forKey: "env")
        try fields.encode(details.command, forKey: "command")
    }
}
