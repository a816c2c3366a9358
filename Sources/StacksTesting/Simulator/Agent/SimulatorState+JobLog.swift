import HTTPTypes
import StacksTransport

/// The log of a job, which comes in parts: each with its sequence number, its offset and its size in the query.
extension SimulatorState {
    /// The largest sequence number. With it, the memory that a log takes is bounded though each part holds one byte.
    private static let lastSequence = 100_000

    mutating func addLogChunk(_ call: JobCall) throws(Refusal) -> Reply {
        let settings = configuration.agents
        let query = call.call.route.query
        let sequence = try Self.number("sequence", in: query, range: 0...Self.lastSequence)
        let offset = try Self.number("offset", in: query, range: 0...settings.logLimit)
        let size = try Self.number("size", in: query, range: 1...settings.chunkLimit)
        guard offset + size <= settings.logLimit else {
            throw .invalid("offset + size is \(offset + size); a log has at most \(settings.logLimit) bytes.")
        }
        let state = jobs[call.job].job.state
        guard !state.isTerminal else { throw .cannot("get a log", state) }
        let bytes = try Self.logBytes(of: call.call, size: size)
        let chunk = SimulatedJob.LogChunk(offset: offset, bytes: bytes)
        // Looked up one by one: a copy of them all would make the insertion copy them too.
        if let earlier = jobs[call.job].job.logChunks[sequence] {
            // An agent whose response was lost sends the part again.
            guard earlier.offset == offset, earlier.bytes == bytes else {
                throw .invalid("sequence \(sequence) has come before with other bytes or another offset.")
            }
            return .ok([("id", .string(jobs[call.job].job.id))])
        }
        if let before = jobs[call.job].job.logChunks[sequence - 1], before.end != offset {
            throw .invalid("offset is \(offset), but the part before it ends at \(before.end).")
        }
        if let after = jobs[call.job].job.logChunks[sequence + 1], after.offset != chunk.end {
            throw .invalid("offset + size is \(chunk.end), but the part after it begins at \(after.offset).")
        }
        add(chunk, as: sequence, toLogOf: call.job)
        return .created([("id", .string(jobs[call.job].job.id))])
    }

    /// Adds a part to a log that does not have it. The next check looks through it.
    mutating func add(_ chunk: SimulatedJob.LogChunk, as sequence: Int, toLogOf job: Int) {
        jobs[job].job.logChunks.insert(chunk, as: sequence)
        grownLogs[job, default: []].append(sequence)
    }

    private static func logBytes(of call: AgentCall, size: Int) throws(Refusal) -> [UInt8] {
        let encoding = (call.request.headerFields[.contentEncoding] ?? "").lowercased()
        let bytes: [UInt8]
        switch encoding {
        case "", "identity": bytes = call.body
        case "gzip":
            do { bytes = try Gzip.decompress(call.body, limit: size) } catch {
                throw .badRequest("The body is no gzip document of \(size) bytes: \(error).")
            }
        default:
            throw Refusal(
                status: .unsupportedMediaType,
                message: "The Content-Encoding is \"\(encoding.prefix(64))\"; it must be gzip or absent.")
        }
        guard bytes.count == size else {
            throw .badRequest("size is \(size), but the body has \(bytes.count) bytes.")
        }
        return bytes
    }

    private static func number(
        _ name: String, in query: [String: String], range: ClosedRange<Int>
    ) throws(Refusal) -> Int {
        guard let text = query[name] else { throw .badRequest("\(name) is missing.") }
        guard text.utf8.count <= 20, let value = Int(text) else {
            throw .badRequest("\(name) is not a whole number of at most 20 digits.")
        }
        try RequestBody.check(value, named: name, in: range)
        return value
    }

    /// The times at which the sections of the log began, which come by and by.
    mutating func addHeaderTimes(_ call: JobCall) throws(Refusal) -> Reply {
        let times = try RequestBody.decode(RequestBody.HeaderTimes.self, from: call.call.body).header_times
        try RequestBody.check(
            jobs[call.job].job.headerTimes.count + times.count, named: "header_times", atMost: 10_000)
        for (key, time) in times.sorted(by: { $0.key < $1.key }) {
            try RequestBody.check(key, named: "header_times", atMost: 64)
            try RequestBody.checkTime(time, named: "header_times.\(key)")
        }
        jobs[call.job].job.headerTimes.merge(times) { $1 }
        return .ok([("id", .string(jobs[call.job].job.id))])
    }
}
