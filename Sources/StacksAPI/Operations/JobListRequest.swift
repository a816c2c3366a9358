/// The body of a request that lists up to 1000 jobs, and has a number of seconds for some operations.
struct JobListRequest: Sendable {
    /// The number's field as JSON, with the comma before it: `,"reservation_expiry_seconds":`.
    var field: StaticString = ""
    /// The number, or `nil` to leave the field out.
    var seconds: Int?

    func encode(_ jobs: ArraySlice<JobID>) -> [UInt8] {
        var capacity = 16 + jobs.count + field.utf8CodeUnitCount + ByteWriter.maximumIntSize
        for index in jobs.indices { capacity += ByteWriter.size(jobs[index]) }
        return ByteWriter.bytes(capacity: capacity) { writer in
            writer.raw(#"{"job_uuids":["#)
            for index in jobs.indices {
                if index > jobs.startIndex { writer.raw(",") }
                writer.identifier(jobs[index])
            }
            writer.raw("]")
            if let seconds {
                writer.raw(field)
                writer.int(seconds)
            }
            writer.raw("}")
        }
    }
}
