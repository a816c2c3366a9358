extension ScriptedAgent {
    /// What was sent of a log.
    struct LogUpload {
        struct Part {
            var sequence: Int
            var offset: Int
            var bytes: [UInt8]
        }

        private var sequence = 0
        private var offset = 0
        private var headers = 0
        var failedParts = 0

        /// The next parts of the log, each with at most `limit` bytes.
        mutating func parts(of text: String, limit: Int) -> [Part] {
            let bytes = Array(text.utf8)
            return stride(from: 0, to: bytes.count, by: limit).map { start in
                sequence += 1
                let part = Part(
                    sequence: sequence, offset: offset, bytes: Array(bytes[start..<min(start + limit, bytes.count)]))
                offset += part.bytes.count
                return part
            }
        }

        /// The times of the sections that begin in a text, by their numbers. A section's first line begins with three of the
        /// same signs.
        mutating func headerTimes(of text: String, at time: String) -> [(number: String, time: String)] {
            let count = text.split(separator: "\n").count { line in
                ["--- ", "+++ ", "~~~ "].contains { line.hasPrefix($0) }
            }
            defer { headers += count }
            return (headers..<headers + count).map { (String($0), time) }
        }
    }
}
