extension StacksClient {
    /// Reads a job's environment and command. Both can contain secrets.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - stack: The stack's key.
    ///   - options: Options of this call.
    /// - Returns: The job's current environment and command.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/notFound`` when there is no such job.
    public func job(
        _ id: JobID,
        stack: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<Job> {
        try Argument.check(stackKey: stack, job: id, for: .job)
        return try await core.perform(
            core.target(.job, stack: stack, job: id), options: options, decode: Job.read)
    }
}

/// What a job runs.
///
/// Environment and command can contain secrets and can exceed 100 KB. Descriptions and dumps show only the names of the
/// variables.
public struct Job: Sendable, Hashable, Identifiable {
    /// The job's identifier, a UUID.
    public var id: JobID
    /// The job's environment variables.
    public var environment: [String: String]
    /// The job's command; empty when it has none.
    public var command: String

    /// A job.
    public init(id: JobID, environment: [String: String] = [:], command: String = "") {
        self.id = id
        self.environment = environment
        self.command = command
    }
}

extension Job: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The identifier and the names of the environment variables.
    public var description: String {
        "Job(id: \(id), environment: \(environment.keys.sorted()), command: \(Secret.placeholder))"
    }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows the identifier and the variables' names, but neither their values nor the command.
    public var customMirror: Mirror {
        Mirror(self, children: ["id": id, "environment": environment.keys.sorted(), "command": Secret.placeholder])
    }
}

extension Job {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> Job {
        var id: JobID?
        var environment: [String: String] = [:]
        var command = ""
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "id": id = try reader.optionalIdentifier()
            case "env": environment = try reader.dictionary() ?? [:]
            case "command": command = try reader.optionalString() ?? ""
            default: try reader.skip()
            }
        }
        return Job(id: try id.required("id", in: object), environment: environment, command: command)
    }
}
