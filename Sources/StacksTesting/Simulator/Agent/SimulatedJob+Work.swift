extension SimulatedJob {
    /// The bytes of the log that have arrived, in the order of their sequence numbers.
    public var logBytes: [UInt8] {
        logChunks.inOrder.flatMap(\.bytes)
    }

    /// The last bytes of the log that have arrived, or as many as there are.
    package func logBytes(last count: Int) -> [UInt8] { logChunks.bytes(before: .max, count: count) }

    /// The log as text. What is not UTF-8 in it is replaced.
    public var log: String { String(decoding: logBytes, as: UTF8.self) }

    /// How many bytes of the log have arrived.
    public var logSize: Int { logChunks.size }

    /// Whether no part of the log is missing between those that have arrived.
    public var isLogComplete: Bool {
        var end = 0
        for chunk in logChunks.inOrder {
            guard chunk.offset == end else { return false }
            end = chunk.end
        }
        return true
    }

    /// A note on a build.
    public struct Annotation: Sendable, Hashable {
        /// What tells the annotations of a build apart: one with the same context replaces it.
        public var context: String
        /// The text, Markdown.
        public var body: String
        /// `success`, `info`, `warning` or `error`, or `nil`.
        public var style: String?
        /// From 1 to 10, higher first.
        public var priority: Int
        /// The UUID of the job that it belongs to, or `nil` when it belongs to the build.
        public var job: String?

        /// Creates an annotation.
        public init(context: String, body: String, style: String? = nil, priority: Int = 3, job: String? = nil) {
            self.context = context
            self.body = body
            self.style = style
            self.priority = priority
            self.job = job
        }
    }

    /// A file that a job stores. The simulator keeps what is said of it, and not its bytes.
    public struct Artifact: Sendable, Hashable {
        /// The UUID.
        public var id: String
        /// The UUID of the job that created it.
        public var job: String
        /// The path, relative to the job's folder.
        public var path: String
        /// The size in bytes.
        public var size: Int64
        /// The SHA-1 checksum, or `nil`.
        public var sha1: String?
        /// The SHA-256 checksum, or `nil`. Old agents send none.
        public var sha256: String?
        /// The content type, or `nil`. Old agents send none.
        public var contentType: String?
        /// `new`, and then what the agent says: `finished` or `error`.
        public var state: String
        var absolutePath: String
        var globPath: String
        var uploadDestination: String
        var createdAt: String
    }

    /// What a job says of its end before it ends.
    public struct PromisedFailure: Sendable, Hashable {
        /// The exit status that it will have, other than 0.
        public var exitStatus: Int
        /// The reason, or `nil`.
        public var reason: String?

        /// Creates what a job says.
        public init(exitStatus: Int, reason: String? = nil) {
            self.exitStatus = exitStatus
            self.reason = reason
        }
    }
}
