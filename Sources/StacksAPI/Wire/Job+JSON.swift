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

/// The body that finishes a job. The exit status is always sent, 0 included: the server takes -1 when it is missing.
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
