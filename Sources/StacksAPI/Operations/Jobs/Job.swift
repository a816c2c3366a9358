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

/// The body that finishes a job. It always has the exit status, even 0: the server assumes -1 when it is missing.
enum FinishRequest {
    static func encode(exitStatus: Int, detail: String) -> [UInt8] {
        let capacity = 32 + JSONWriter.maximumIntSize + JSONWriter.size(detail)
        return JSONWriter.bytes(capacity: capacity) { writer in
            writer.raw(#"{"exit_status":"#)
            writer.int(exitStatus)
            writer.raw(#","detail":"#)
            writer.string(detail)
            writer.raw("}")
        }
    }
}
