/// What a job runs.
///
/// Environment and command can hold secrets and can exceed 100 KB. Descriptions and dumps therefore show the names of
/// the variables alone.
public struct Job: Sendable, Hashable, Identifiable {
    /// The job's identifier, a UUID.
    public var id: JobID
    /// The job's environment variables.
    public var environment: [String: String]
    /// The command that the job runs; empty when it has none.
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

    /// Shows identifier and names, neither values nor command.
    public var customMirror: Mirror {
        Mirror(self, children: ["id": id, "environment": environment.keys.sorted(), "command": Secret.placeholder])
    }
}
