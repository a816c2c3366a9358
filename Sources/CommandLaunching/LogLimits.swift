import StacksTransport

extension CommandLauncher {
    /// What bounds the files of ``Configuration/Output-swift.enum/files(directory:)``.
    public struct LogLimits: Sendable, Hashable {
        /// The smallest limit on the size of a file.
        static let smallestSize = 4096

        /// The size of a job's log in bytes from which on it is cut, or `nil` for none. 64 MiB by default, and at least
        /// 4096.
        ///
        /// A log that is larger keeps its first and its last quarter of that, with a sentence between them that says
        /// how much is missing. That is looked at once a second and when the command has ended, so a command can exceed
        /// the limit in between. The command is not slowed down; what it writes in the moment of the cut can be lost.
        public var maximumSize: Int? = 64 << 20

        /// How many logs of ended jobs stay in the directory, or `nil` for all. 1000 by default, and at least 1.
        ///
        /// The oldest are removed. Never removed are logs that a process still has open, and whatever is not a regular
        /// file of this user named `<UUID>.log`. Launchers that share a directory count each other's.
        public var maximumCount: Int? = 1000

        /// The defaults.
        public init() {}

        /// - Throws: `ConfigurationError` when a limit is too low.
        func validate() throws {
            if let maximumSize, maximumSize < Self.smallestSize {
                throw ConfigurationError(
                    "The limit on the size of a job's log is \(maximumSize) bytes: it must be at least \(Self.smallestSize)"
                )
            }
            if let maximumCount, maximumCount < 1 {
                throw ConfigurationError("The number of jobs' logs to keep is \(maximumCount): it must be at least 1")
            }
        }
    }
}
